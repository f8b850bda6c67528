"""Pictures of a study's analyses, as files of a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaehub.analysis import plot_style
from vaehub.core.errors import VaehubError
from vaehub.hub.plots import require_matplotlib
from vaehub.hub.whole_file import can_be_written, whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PictureFormat = Literal["png", "svg", "pdf"]
FORMATS: tuple[PictureFormat, ...] = ("png", "svg", "pdf")
DPI = 150


@dataclass(frozen=True)
class StudyPicture:
    """The picture of one analysis.

    Attributes:
        analysis: Its name.
        file: Where the picture is; ``None`` if there is none.
        reason: Why there is none, as one sentence.
    """

    analysis: str
    file: Path | None
    reason: str | None = None


def check_folder(folder: str | PathLike[str], form: str) -> Path:
    """See whether pictures could be written into a folder, which is made if it is not there; return its path.

    Raises:
        VaehubError: If they could not, there is no such format, or matplotlib is missing.
    """
    require_matplotlib()
    if form not in FORMATS:
        raise VaehubError(f"pictures are written as {', '.join(FORMATS)}, and {form!r} was asked for")
    path = Path(folder).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = "it is a file" if path.is_file() else getattr(error, "strerror", None) or str(error)
        raise VaehubError(f"pictures cannot be written to folder {str(folder)!r}: {reason}; name another") from error
    can_be_written(path / f"picture.{form}", "the picture")
    return path


def write_pictures(
    folder: Path,
    form: PictureFormat,
    names: Sequence[str],
    measured: Mapping[str, str],
    *,
    draw: Callable[[str], Figure],
    missing: str,
) -> list[StudyPicture]:
    """Draw the analyses of a study, each into a file that is whole or as it was.

    Args:
        folder: Where to; see :func:`check_folder`.
        form: The format, which is the ending of each file too.
        names: Of the analyses, in the study's order.
        measured: Identity of what was measured, by name of the analysis.
        draw: Draws a measurement.
        missing: What is said of an analysis that was not made.

    Returns:
        What came of each analysis.

    Raises:
        WorkFailed: If writing fails, as on a full disk.
    """
    found = []
    for name, stem in zip(names, file_names(names), strict=True):
        if name not in measured:
            found.append(StudyPicture(name, None, f"analysis {name!r} {missing}"))
            continue
        try:
            figure = draw(measured[name])
        except VaehubError as error:
            found.append(StudyPicture(name, None, f"analysis {name!r}: {error}"))
            continue
        path = folder / f"{stem}.{form}"
        with whole_file(path, "the picture") as place, plot_style():
            figure.savefig(place, dpi=DPI)
        found.append(StudyPicture(name, path))
    return found


def file_names(names: Sequence[str]) -> list[str]:
    """Return a name for the file of each analysis, without its ending: letters, digits, points and hyphens."""
    found: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w.]+", "-", name).strip("-.") or "analysis"
        taken = {each.casefold() for each in found}
        numbered = (f"{stem}-{number}" for number in range(2, len(names) + 2))
        found.append(next(each for each in (stem, *numbered) if each.casefold() not in taken))
    return found
