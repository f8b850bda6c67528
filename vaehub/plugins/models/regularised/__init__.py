"""Deterministic autoencoders whose codes are regularised: RAE and WAE."""

from collections.abc import Sequence

from vaehub.registry import Entry, Model, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Model(
            "rae",
            "vaehub.plugins.models.regularised.rae:Rae",
            "autoencoder with small codes and weights, and a density fitted afterwards",
            params="vaehub.plugins.models.regularised.params:RaeParams",
            source="Ghosh et al. 2020",
        ),
        Model(
            "wae",
            "vaehub.plugins.models.regularised.wae:Wae",
            "autoencoder whose codes are matched to a standard normal by MMD",
            params="vaehub.plugins.models.regularised.params:WaeParams",
            source="Tolstikhin et al. 2018",
        ),
    ]
