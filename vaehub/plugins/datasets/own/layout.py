"""Splits and classes of images by the folders that they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of top-level folders that are splits and not classes."""


@dataclass(frozen=True)
class Layout:
    """What folders say of their images.

    Attributes:
        labels: Class of each image, shape ``(n,)``; ``None`` without classes.
        class_names: Name of each class, in order; ``None`` without classes.
        splits: Rows of each split.
        notes: What could be meant otherwise, a sentence each.
    """

    labels: NDArray[np.int64] | None
    class_names: Sequence[str] | None
    splits: Mapping[str, NDArray[np.int64]]
    notes: Sequence[str] = ()


def layout_of(path: Path, names: Sequence[str], labels: str) -> Layout:
    """Return splits and classes: folders named for splits are these, and the next folder of an image is its class.

    Args:
        path: The folder or archive.
        names: Path of each image in it, with ``/``.
        labels: ``folders`` or ``none``.

    Raises:
        DataError: If some images lie in class folders and others do not.
    """
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    splits: dict[str, NDArray[np.int64]] = {}
    notes = _other_readings(path, folders)
    if all(each and each[0].lower() in SPLITS for each in folders):
        of = np.array([SPLITS[each[0].lower()] for each in folders])
        splits = {str(name): np.flatnonzero(of == name) for name in np.unique(of)}
        folders = [each[1:] for each in folders]
    if labels == "none" or not any(folders):
        return Layout(None, None, splits, notes)
    if outside := [name for name, folder in zip(names, folders, strict=True) if not folder]:
        raise DataError(
            f"{path} holds {len(outside)} images outside class folders, such as {outside[0]}; put "
            "them into folders too, or use no labels with '-s data.labels=none'"
        )
    class_names, classes = np.unique([folder[0] for folder in folders], return_inverse=True)
    return Layout(classes.astype(np.int64), [str(name) for name in class_names], splits, notes)


def below_common(names: Sequence[str]) -> list[str]:
    """Return names without the single top-level folder of an archive, if there is one."""
    outermost = {PurePosixPath(name).parts[0] for name in names}
    if len(outermost) > 1 or any("/" not in name for name in names) or next(iter(outermost)).lower() in SPLITS:
        return list(names)
    return [name.partition("/")[2] for name in names]


def _other_readings(path: Path, folders: Sequence[tuple[str, ...]]) -> list[str]:
    outermost = {each[0] for each in folders if each}
    named = sorted(name for name in outermost if name.lower() in SPLITS)
    others = sorted(outermost - set(named))
    if len(named) > 1 and others:
        return [
            f"the folders {', '.join(named)} are classes and no splits, because {others[0]} is beside them; move it "
            "away to have splits"
        ]
    if len(others) == 1 and not named and all(folders):
        below = {each[1] for each in folders if len(each) > 1}
        if below and all(name.lower() in SPLITS for name in below):
            return [
                f"all images lie in the folder {others[0]}, which is their class; its folders "
                f"{', '.join(sorted(below))} are splits if '{path}/{others[0]}' is named"
            ]
    return []
