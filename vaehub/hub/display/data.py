"""Datasets in a notebook."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from markupsafe import Markup

from vaehub.core.data.dataset import UNNAMED
from vaehub.core.errors import VaehubError
from vaehub.hub.display.figures import image
from vaehub.hub.display.tables import NOTHING, facts, table, title

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset

SHEET = 480
"""Pixels of a sheet of images, as a notebook lays it out."""
ROWS, COLUMNS = 5, 8
"""Of observations that are vectors, those that are shown."""
NAMED = 20
"""Classes and factors that are named."""


def dataset(found: Dataset) -> Markup:
    """Return the size of the data, their splits, labels and factors, and some observations."""
    factors = found.factors
    lines = [
        ("observations", len(found)),
        ("shape", " by ".join(map(str, found.spec.shape))),
        ("values", "in [0, 1]" if found.spec.in_unit_interval else ""),
        ("splits", _listed({name: len(rows) for name, rows in found.splits.items()})),
        ("classes", found.spec.n_classes),
        ("named", ", ".join((found.class_names or ())[:NAMED])),
        ("factors", "" if factors is None else _listed(dict(zip(factors.names, factors.sizes, strict=True)))),
        ("notes", "; ".join(found.notes)),
    ]
    return Markup("<div>{}{}{}</div>").format(
        title("Dataset", "" if found.name == UNNAMED else found.name), facts(lines), _some(found)
    )


def _some(found: Dataset) -> Markup:
    if not len(found):
        return NOTHING
    if len(found.spec.shape) == 1:
        shown = found.batch(slice(0, ROWS)).x[:, :COLUMNS].tolist()
        more = ["…"] if found.spec.n_values > COLUMNS else []
        return table([*range(min(COLUMNS, found.spec.n_values)), *more], [[*row, *more] for row in shown])
    from vaehub.hub.previews import sheet

    try:
        picture = sheet(found)
    except VaehubError:  # no images of 1 or 3 channels, which no sheet shows
        return NOTHING
    png = BytesIO()
    picture.save(png, format="png")
    return image(png.getvalue(), width=SHEET, description=f"some observations of {found.name}")


def _listed(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in list(sizes.items())[:NAMED])
