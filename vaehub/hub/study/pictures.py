"""Pictures of a study's analyses and tables, as files of a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaehub.analysis import plot_style
from vaehub.core.errors import VaehubError, first_line
from vaehub.hub.plots import require_matplotlib
from vaehub.hub.whole_file import can_be_written, whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PictureFormat = Literal["png", "svg", "pdf"]
FORMATS: tuple[PictureFormat, ...] = ("png", "svg", "pdf")
DPI = 150


@dataclass(frozen=True)
class StudyPicture:
    """The picture of one analysis, or of one table.

    Attributes:
        analysis: Name of the analysis; ``None`` for a table.
        file: Where the picture is; ``None`` if there is none.
        reason: Why there is none, as one sentence.
        table: Name of the table; ``None`` for an analysis.
    """

    analysis: str | None
    file: Path | None
    reason: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to be drawn.

    Attributes:
        kind: ``analysis`` or ``table``.
        name: Of the one or the other.
        draw: Draws it; raises :class:`vaehub.VaehubError` where that cannot be.
        missing: Why there is nothing to draw, as the rest of a sentence; empty if there is something.
    """

    kind: Literal["analysis", "table"]
    name: str
    draw: Callable[[], Figure]
    missing: str = ""

    def drawn(self, file: Path | None, reason: str | None = None) -> StudyPicture:
        """Return the outcome: the file, or the reason."""
        return StudyPicture(
            self.name if self.kind == "analysis" else None, file, reason, self.name if self.kind == "table" else None
        )


def check_folder(folder: str | PathLike[str], form: str) -> Path:
    """See whether pictures could be written into a folder, which is not made if it is not there; return its path.

    Raises:
        VaehubError: If they could not, there is no such format, or matplotlib is missing.
    """
    require_matplotlib()
    if form not in FORMATS:
        raise VaehubError(f"pictures are written as {', '.join(FORMATS)}, and {form!r} was asked for")
    path = Path(folder).expanduser()
    try:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = "it is a file" if path.is_file() else getattr(error, "strerror", None) or str(error)
        raise VaehubError(f"pictures cannot be written to folder {str(folder)!r}: {reason}; name another") from error
    can_be_written(path / f"picture.{form}", "the picture")
    for each in missing:
        each.rmdir()
    return path


def write_pictures(folder: Path, form: PictureFormat, wanted: Sequence[Wanted]) -> list[StudyPicture]:
    """Draw analyses and tables, each into a file that is whole or as it was; return the outcome of each.

    Args:
        folder: Where to; see :func:`check_folder`.
        form: The format, which is the ending of each file too.
        wanted: What is drawn, in this order.

    Raises:
        WorkFailed: If writing fails, as on a full disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    names = [each.name if each.kind == "analysis" else f"table {each.name}" for each in wanted]
    for each, stem in zip(wanted, file_names(names), strict=True):
        title = f"{each.kind} {each.name!r}"
        if each.missing:
            found.append(each.drawn(None, f"{title} {each.missing}"))
            continue
        try:
            figure = each.draw()
        except VaehubError as error:
            found.append(each.drawn(None, f"{title}: {error}"))
            continue
        except KeyboardInterrupt:
            raise
        # A stranger's plot runs here, and what it raises need be no Exception.
        except BaseException as error:  # noqa: BLE001
            found.append(each.drawn(None, f"{title}: its plot failed: {first_line(error)}"))
            continue
        path = folder / f"{stem}.{form}"
        with whole_file(path, "the picture") as place, plot_style():
            figure.savefig(place, dpi=DPI)
        found.append(each.drawn(path))
    return found


def file_names(names: Sequence[str]) -> list[str]:
    """Return a name for the file of each picture, without its ending: letters, digits, points and hyphens."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w.]+", "-", name).strip("-.") or "picture"
        taken = {each.casefold() for each in found}
        numbered = (f"{stem}-{number}" for number in range(2, len(names) + 2))
        found.append(next(each for each in (stem, *numbered) if each.casefold() not in taken))
    return found
