"""Output files of plots: checked before the work that they show, and written after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError
from vaehub.hub.whole_file import can_be_written, whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check(path: Path) -> None:
    """See whether a picture could be written there.

    Raises:
        VaehubError: If matplotlib is missing, the folder is not there, or the ending is of no picture.
    """
    from vaehub.hub.plots import require_matplotlib

    require_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    endings = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in endings:
        raise VaehubError(
            f"the picture cannot be written to {str(path)!r}: its name should end with one of {', '.join(endings)}"
        )
    can_be_written(path, "the picture")


def write(figure: Figure, path: Path) -> None:
    """Write a picture; its ending decides the format.

    Raises:
        VaehubError: If that fails.
    """
    from vaehub.analysis import plot_style

    with whole_file(path, "the picture") as place, plot_style():
        figure.savefig(place, dpi=150)
