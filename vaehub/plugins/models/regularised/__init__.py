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
            "RAE: regularised deterministic autoencoder, with a density fitted to its codes after training",
            params="vaehub.plugins.models.regularised.params:RaeParams",
            source="Ghosh et al. 2020",
        ),
        Model(
            "wae",
            "vaehub.plugins.models.regularised.wae:Wae",
            "WAE-MMD: Wasserstein autoencoder, whose codes match a standard normal in maximum mean discrepancy",
            params="vaehub.plugins.models.regularised.params:WaeParams",
            source="Tolstikhin et al. 2018",
        ),
    ]
