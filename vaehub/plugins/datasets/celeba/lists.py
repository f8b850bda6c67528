"""The text files that come with CelebA's images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError

SPLITS = ("train", "validation", "test")
"""Splits, in the order of their numbers in the file."""


def read_attributes(path: Path, images: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the attributes and their classes, 0 for absent and 1 for present.

    The file's first line is the number of images, the second names the attributes, and each further line has the name
    of an image and, for every attribute, -1 or 1.

    Args:
        path: The file.
        images: Names of the images, in order.

    Returns:
        Names, and classes of shape ``(n, m)``.

    Raises:
        DataError: If the file has another format, or lists other images.
    """
    lines = _lines(path)
    names = lines[1].split() if len(lines) > 1 else []
    rows = [line.split() for line in lines[2:]]
    if not lines or lines[0].strip() != str(len(rows)):
        raise DataError(f"{path} should begin with the number of its images, {len(rows)}; replace the file")
    _check_images(path, [row[0] for row in rows], images)
    wanted = {"-1": 0, "1": 1}
    for row in rows:
        if len(row) != 1 + len(names) or not wanted.keys() >= set(row[1:]):
            raise DataError(
                f"{path} should have -1 or 1 for each of {len(names)} attributes of {row[0]}, and has not; replace the "
                "file"
            )
    return names, np.array([[wanted[value] for value in row[1:]] for row in rows], np.int64)


def read_partition(path: Path, images: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return the rows of each official split.

    Each line of the file has the name of an image and 0, 1 or 2, for the split.

    Args:
        path: The file.
        images: Names of the images, in order.

    Raises:
        DataError: If the file has another format, or lists other images.
    """
    rows = [line.split() for line in _lines(path)]
    numbers = [str(number) for number in range(len(SPLITS))]
    if wrong := next((row for row in rows if len(row) != 2 or row[1] not in numbers), None):
        raise DataError(
            f"{path} should have a name and 0, 1 or 2 a line, got {' '.join(wrong)[:60]!r}; replace the file"
        )
    _check_images(path, [row[0] for row in rows], images)
    split_of = np.array([int(number) for _, number in rows])
    return {name: np.flatnonzero(split_of == number) for number, name in enumerate(SPLITS)}


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("latin-1").splitlines() if line.strip()]


def _check_images(path: Path, found: Sequence[str], images: Sequence[str]) -> None:
    if len(found) != len(images):
        raise DataError(f"{path} lists {len(found)} images, and the archive has {len(images)}; replace the file")
    for name, expected in zip(found, images, strict=True):
        if name != expected:
            raise DataError(f"{path} lists {name[:60]!r} where the archive has {expected!r}; replace the file")
