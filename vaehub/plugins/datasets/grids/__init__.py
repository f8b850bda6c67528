"""Images of objects in all, or almost all, combinations of known factors, from official files."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl


def _entry(name: str, target: str, summary: str, source: str, params: str = "vaehub.files:FileParams") -> Dataset:
    return Dataset(
        name,
        f"vaehub.plugins.datasets.grids.{name}:{target}",
        summary,
        params=params,
        source=source,
        card=f"vaehub.plugins.datasets.grids.cards:{name.upper()}",
    )


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        _entry("shapes3d", "Shapes3d", "480,000 rooms with an object, 64x64 colour, six factors", "Burgess & Kim 2018"),
        _entry(
            "mpi3d",
            "Mpi3d",
            "1,036,800 images of a robot arm, rendered or photographed, 64x64 colour, seven factors",
            "Gondal et al. 2019",
            "vaehub.plugins.datasets.grids.params:Mpi3dParams",
        ),
        _entry("cars3d", "Cars3d", "17,568 renderings of 183 cars, 64x64 colour, three factors", "Reed et al. 2015"),
        _entry(
            "smallnorb",
            "SmallNorb",
            "48,600 photographs of 50 toys, 64x64 grey, four factors",
            "LeCun, Huang & Bottou 2004",
        ),
    ]
