"""Fully connected networks of any size."""

from collections.abc import Sequence

from vaehub.registry import Entry, Network, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Network(
            "mlp",
            "vaehub.plugins.networks.mlp.network:Mlp",
            "fully connected encoder and mirrored decoder",
            params="vaehub.plugins.networks.mlp.params:MlpParams",
        ),
    ]
