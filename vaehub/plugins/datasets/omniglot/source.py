"""Omniglot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import DataError, Dataset, DataSource, Factors, prepare
from vaehub.files import DataCard, fetch, image_array, open_image, read_members
from vaehub.plugins.datasets.omniglot.cards import ARCHIVES, OMNIGLOT
from vaehub.plugins.datasets.omniglot.params import OmniglotParams

SIDE = 105
"""Height and width of an image, in pixels."""
N_DRAWERS = 20
"""Drawers of each character; each alphabet has its own drawers, numbered from 1."""
BOTH = {"train": "background", "test": "evaluation"}
"""Official roles of the two large archives."""

_NAME = re.compile(r"\d+_(\d\d)\.png")


@dataclass(frozen=True, order=True)
class _Drawing:
    """An encoded image from the archive: only a few hundred bytes, so that all can be sorted before decoding."""

    key: tuple[str, str, int]
    """Alphabet, character, drawer from 1."""
    split: str
    title: str
    content: bytes


@final
class Omniglot(DataSource[OmniglotParams]):
    """Handwritten characters: Lake, Salakhutdinov & Tenenbaum 2015.

    The files have black ink on white; here ink is 1 and paper 0, as in MNIST and its kin, and no parameter changes it.
    """

    card: ClassVar[DataCard] = OMNIGLOT

    def load(self) -> Dataset:
        """Return images ``(n, 1, 105, 105)``, sorted by alphabet, character and drawer.

        Labels number the loaded characters (of all alphabets, in sorted order). The factors are this ``character`` and
        ``drawer``; they form a complete grid, because every drawer drew every character of an alphabet.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        alphabets = self.params.alphabets
        sets = BOTH if alphabets == "both" else {"": alphabets}
        drawings = sorted(each for split, name in sets.items() for each in self._drawings(split, ARCHIVES[name]))
        images = np.empty((len(drawings), 1, SIDE, SIDE), np.uint8)
        for at, drawing in enumerate(drawings):
            images[at] = _pixels(drawing)
        classes = _classes(drawings)
        factors = Factors(("character", "drawer"), (int(classes[-1, 0]) + 1, N_DRAWERS), classes)
        split_of = np.array([drawing.split for drawing in drawings])
        splits = {split: np.flatnonzero(split_of == split) for split in sets if split}
        data = Dataset(torch.from_numpy(images), labels=classes[:, 0], factors=factors, splits=splits)
        return prepare(data, self.params)

    def _drawings(self, split: str, archive: str) -> list[_Drawing]:
        path = fetch(self.card, archive, self.params.root)
        begin = f"{path.stem}/"
        images = read_members(path, lambda name: name.startswith(begin) and name.endswith(".png"))
        found = [_Drawing(_key(path, name), split, f"{path}, {name}", content) for name, content in images]
        if not found:
            raise DataError(f"{path} holds no images in a folder {begin!r}; replace the file")
        return found


def _key(path: Path, name: str) -> tuple[str, str, int]:
    parts = PurePosixPath(name).parts
    match = _NAME.fullmatch(parts[-1])
    if len(parts) != 4 or match is None or not 1 <= int(match[1]) <= N_DRAWERS:
        raise DataError(
            f"{path} holds {name!r}, and its images should have names like "
            f"'{path.stem}/Greek/character01/0394_01.png', with drawers from 01 to {N_DRAWERS}; replace the file"
        )
    return parts[1], parts[2], int(match[1])


def _pixels(drawing: _Drawing) -> NDArray[np.uint8]:
    pixels = image_array(open_image(drawing.content, drawing.title, channels=1))
    if pixels.shape != (1, SIDE, SIDE):
        found = f"{pixels.shape[2]}x{pixels.shape[1]}"
        raise DataError(f"{drawing.title} has {found} pixels, and should have {SIDE}x{SIDE}; replace the archive")
    return 255 - pixels


def _classes(drawings: list[_Drawing]) -> Tensor:
    """Return character and drawer of each drawing, counted from 0."""
    characters = {name: at for at, name in enumerate(sorted({drawing.key[:2] for drawing in drawings}))}
    return torch.tensor([[characters[drawing.key[:2]], drawing.key[2] - 1] for drawing in drawings])
