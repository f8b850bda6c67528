"""Figures in a notebook: as images inside of tables, and as the value of a cell."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from vaehub.core.errors import VaehubError, first_line
from vaehub.hub.display.tables import NOTHING, paragraph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS = 80
"""Of an inch of a figure, as a notebook lays it out."""


def notebook() -> Any:
    """Return IPython's shell where it serves a notebook, which no terminal does; else ``None``."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def show_figures() -> None:
    """Have a notebook show a figure that is the value of a cell.

    Until pyplot is loaded there, no notebook knows how; a format that its user has chosen stays.
    """
    shell = notebook()
    if shell is None:
        return
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib.figure import Figure

    formatters = shell.display_formatter.formatters
    drawn = [each for name, each in formatters.items() if name.startswith("image/") or name == "application/pdf"]
    if not any(Figure in each for each in drawn):
        select_figure_formats(shell, {"png"})


def image(png: bytes, *, width: float, description: str) -> Markup:
    """Return an image that carries its own bytes."""
    return Markup('<img src="data:image/png;base64,{}" alt="{}" style="width:{}px;max-width:100%">').format(
        b64encode(png).decode(), description, round(width)
    )


def drawn(draw: Callable[[], Figure | None], description: str) -> Markup:
    """Return a figure as an image; where it fails, the reason; nothing where none is drawn."""
    try:
        figure = draw()
        if figure is None:
            return NOTHING
        png = BytesIO()
        figure.savefig(png, format="png")
    except VaehubError as error:
        return paragraph(str(error))
    except KeyboardInterrupt:
        raise
    # A stranger's plot runs here, and what it raises need be no Exception.
    except BaseException as error:  # noqa: BLE001
        return paragraph(f"{description}: the plot failed: {first_line(error)}")
    return image(png.getvalue(), width=PIXELS * figure.get_figwidth(), description=description)
