"""Symmetric Solids, complete and reduced as in Bonheme's thesis, from the official file."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "symsol",
            "vaehub.plugins.datasets.symsol.source:Symsol",
            "400,000 views of eight solids, converted to 64x64 grey",
            params="vaehub.plugins.datasets.symsol.params:SymsolParams",
            source="Murphy et al. 2021",
            card="vaehub.plugins.datasets.symsol.cards:SYMSOL",
        ),
        Dataset(
            "symsol_reduced",
            "vaehub.plugins.datasets.symsol.source:SymsolReduced",
            "distinct views of five solids without marks, converted to 64x64 grey",
            params="vaehub.files:FileParams",
            source="Murphy et al. 2021; Bonheme 2023, ch. 8",
            card="vaehub.plugins.datasets.symsol.cards:SYMSOL",
        ),
    ]
