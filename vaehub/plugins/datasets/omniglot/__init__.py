"""Handwritten characters of fifty alphabets, from the official archives."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "omniglot",
            "vaehub.plugins.datasets.omniglot.source:Omniglot",
            "32,460 handwritten characters of 50 alphabets, 105x105",
            params="vaehub.plugins.datasets.omniglot.params:OmniglotParams",
            source="Lake, Salakhutdinov & Tenenbaum 2015",
            card="vaehub.plugins.datasets.omniglot.cards:OMNIGLOT",
        )
    ]
