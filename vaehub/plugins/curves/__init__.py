"""Curves and bars with spread over the repeats, of any columns of a query."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "curves",
            "vaehub.plugins.curves.curves:Curves",
            "lines and bars with their spread over repeated runs, of any columns of a query",
            params="vaehub.plugins.curves.params:CurvesParams",
            source="figures of Bonheme 2023, Chapters 6 to 8, and of Müller et al. 2025",
            subject="rows",
        ),
    ]
