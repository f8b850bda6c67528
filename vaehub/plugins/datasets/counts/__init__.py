"""Simulated expression counts with a known number of gene programs."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "counts",
            "vaehub.plugins.datasets.counts.source:Counts",
            "simulated expression counts of cells: gene programs, cell types and library sizes, drawn by seed",
            params="vaehub.plugins.datasets.counts.params:CountsParams",
            source="after Lopez et al. 2018",
            card="vaehub.plugins.datasets.counts.cards:COUNTS",
        ),
    ]
