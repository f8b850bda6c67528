"""Rooms with the factors of 3D Shapes, drawn on demand."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "scenes",
            "vaehub.plugins.datasets.scenes.source:Scenes",
            "480,000 rooms with an object, 64x64 colour, with the factors of 3D Shapes; drawn here, no download",
            params="vaehub:ImageParams",
            source="after Burgess & Kim 2018",
            card="vaehub.plugins.datasets.scenes.cards:SCENES",
        ),
    ]
