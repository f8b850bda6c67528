"""CelebA, from the official archive."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "celeba",
            "vaehub.plugins.datasets.celeba.source:Celeba",
            "202,599 faces, aligned, cropped and resized to 64x64, colour",
            params="vaehub.plugins.datasets.celeba.params:CelebaParams",
            source="Liu, Luo, Wang & Tang 2015",
            card="vaehub.plugins.datasets.celeba.cards:CELEBA",
        )
    ]
