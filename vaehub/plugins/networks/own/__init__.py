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
            "your encoder and decoder: a pair of programs, or a Python object with a file of weights",
            params="vaehub.plugins.networks.own.params:OwnNetworkParams",
        ),
    ]
