"""A user's own encoder and decoder, from files or by import path."""

from collections.abc import Sequence

from vaehub.registry import Entry, Network, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Network(
            "own",
            "vaehub.plugins.networks.own.network:OwnNetwork",
            "your own encoder and decoder: TorchScript or torch.export files, or an import path with a weights file",
            params="vaehub.plugins.networks.own.params:OwnNetworkParams",
        ),
    ]
