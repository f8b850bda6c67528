"""Handwritten digits that come with scikit-learn: the embedded default, available offline."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "digits",
            "vaehub.plugins.datasets.digits.source:Digits",
            "1,797 real handwritten digits of 8x8 pixels, shipped with scikit-learn",
            params="vaehub:ImageParams",
            card="vaehub.plugins.datasets.digits.card:DIGITS",
            source="Alpaydin & Kaynak 1998, UCI Machine Learning Repository",
        ),
    ]
