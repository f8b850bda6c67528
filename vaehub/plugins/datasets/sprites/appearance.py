"""Appearance of sprites: plain, coloured, noisy, or negatives of a painting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, Factors, OnDemand, prepare
from vaehub.files import FileParams, fetch, open_image
from vaehub.plugins.datasets.sprites import cards, kernels
from vaehub.plugins.datasets.sprites.params import ScreamSpritesParams

COLOUR, NOISE, PATCH, TINT = range(4)
"""Streams of random numbers."""

LARGEST = (350, 274)
"""Greatest width and height of the painting after resizing, as in the code of Locatello et al. 2019."""

HALF = np.float32(0.5)

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Masks = Callable[[NDArray[np.int64]], NDArray[np.uint8]]
Look = Callable[[NDArray[np.uint8], NDArray[np.int64]], Pixels]


class Sprites(DataSource[FileParams]):
    """All combinations of shape, scale, orientation and position, each once, the last factor varying fastest.

    dSprites has a sixth factor, its colour, with white as its only value; here it is left out. The random features of
    an image depend only on its number and ``data.seed``; Locatello et al. 2019 draw them again for each use.
    """

    n_channels: ClassVar[int] = 3

    def load(self) -> Dataset:
        """Return 737,280 images on demand, with their factors.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        masks, look = self.masks(), self.look()
        shape = (self.n_channels, kernels.SIDE, kernels.SIDE)

        def render(rows: NDArray[np.int64]) -> Pixels:
            return look(masks(rows), rows)

        values = [kernels.VALUES[name].tolist() for name in kernels.NAMES]
        factors = Factors.grid(kernels.NAMES, kernels.SIZES, values)
        return prepare(Dataset(OnDemand.rendered(len(factors), shape, render), factors=factors), self.params)

    @abstractmethod
    def masks(self) -> Masks:
        """Return the function from row numbers to binary images ``(n, 64, 64)``."""

    @abstractmethod
    def look(self) -> Look:
        """Return the function from binary images and their row numbers to pixels."""

    def random(self, rows: NDArray[np.int64], n_values: int, stream: int) -> NDArray[np.float32]:
        """Return random numbers for each of the given observations."""
        return kernels.uniform(self.params.seed, rows, n_values, stream)


class Plain(Sprites):
    """White on black."""

    n_channels = 1

    def look(self) -> Look:
        """Return black and white as bytes."""
        return lambda masks, _: masks[:, None] * np.uint8(255)


class Colour(Sprites):
    """Sprites in one random colour each, at least half bright in every channel."""

    def look(self) -> Look:
        """Return sprites in colours uniform in [0.5, 1)."""
        return lambda masks, rows: kernels.coloured(masks, (1 + self.random(rows, 3, COLOUR)) * HALF)


class Noisy(Sprites):
    """White on noise."""

    def look(self) -> Look:
        """Return sprites on noise uniform in [0, 1)."""
        shape = (-1, 3, kernels.SIDE, kernels.SIDE)
        n_values = 3 * kernels.SIDE**2
        return lambda masks, rows: kernels.noisy(masks, self.random(rows, n_values, NOISE).reshape(shape))


class Scream(Sprites):
    """Sprites as negatives of tinted patches of a painting, by default Munch's Scream."""

    Params = ScreamSpritesParams

    def look(self) -> Look:
        """Return sprites on random patches of the image, tinted with a random colour."""
        parts = np.lib.stride_tricks.sliding_window_view(self._picture(), (kernels.SIDE, kernels.SIDE), (1, 2))
        ends = np.array(parts.shape[1:3])

        def on_parts(masks: NDArray[np.uint8], rows: NDArray[np.int64]) -> Pixels:
            down, right = (self.random(rows, 2, PATCH) * ends).astype(np.int64).T
            patches = parts[:, down, right].swapaxes(0, 1)
            return kernels.on_picture(masks, patches, self.random(rows, 3, TINT))

        return on_parts

    def _picture(self) -> NDArray[np.float32]:
        given = cast(ScreamSpritesParams, self.params).picture
        path = given or _painting(self.params.root)
        picture = open_image(path, str(path), channels=3)
        picture.thumbnail(LARGEST)
        if min(picture.size) < kernels.SIDE:
            raise DataError(
                f"{path} is {picture.width}x{picture.height} pixels once it fits {LARGEST[0]}x{LARGEST[1]}, "
                f"and {kernels.SIDE} are needed each way; name another with '-s data.picture=FILE'"
            )
        return np.asarray(picture, np.float32).transpose(2, 0, 1) / np.float32(255)


def _painting(root: Path | None) -> Path:
    return fetch(cards.SPRITES_SCREAM, cards.PAINTING, root)
