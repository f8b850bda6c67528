"""Correlation between results over the runs of a study (Müller et al. 2025, Section 2.5)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "correlation",
            "vaehub.plugins.correlation.correlation:Correlation",
            "Spearman and Pearson correlation between columns of a query, with p-values and intervals",
            params="vaehub.plugins.correlation.params:CorrelationParams",
            source="Müller et al. 2025, Section 2.5; Spearman 1904",
            subject="rows",
        ),
    ]
