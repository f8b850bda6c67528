"""The official dSprites, stored as bits: 377 MB on disk, memory-mapped, instead of 3 GB as bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import DataCard, checksum, fetch, npz_blocks, unpack
from vaehub.plugins.datasets.sprites import cards, kernels
from vaehub.plugins.datasets.sprites.appearance import Colour, Masks, Noisy, Plain, Scream, Sprites

N_PIXELS = kernels.SIDE**2


class Official(Sprites):
    """Sprites from the official file, whose pickled description is never read: the card has all its content."""

    card: ClassVar[DataCard] = cards.DSPRITES

    def masks(self) -> Masks:
        """Return the function that unpacks the bits of some rows."""
        path = fetch(self.card, cards.ARCHIVE, self.params.root)
        n = int(np.prod(kernels.SIZES))
        name = f"dsprites-{checksum(path, 'md5').partition(':')[2]}"
        bits = unpack(name, (n, N_PIXELS // 8), np.dtype(np.uint8), lambda: packed(path, n))
        return lambda rows: np.unpackbits(bits[rows], axis=1).reshape(-1, kernels.SIDE, kernels.SIDE)


def packed(path: Path, n: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the ``n`` images of a file, eight pixels per byte, and check that they are in the order of the factors.

    Raises:
        DataError: If they are in another order, or are not binary.
    """
    _, blocks = npz_blocks(path, "latents_classes")
    # The first column is the colour, which is always the same.
    classes = np.concatenate([block[:, 1:] for block in blocks])
    if len(classes) != n or not np.array_equal(np.ravel_multi_index(tuple(classes.T), kernels.SIZES), np.arange(n)):
        raise DataError(f"{path} holds its images in another order than the published file; replace it")
    header, blocks = npz_blocks(path, "imgs")
    if header.shape != (n, kernels.SIDE, kernels.SIDE) or header.dtype != np.uint8:
        raise DataError(f"{path} holds images {header.shape} of {header.dtype}, and should hold {n} of 64x64 bytes")
    for block in blocks:
        if block.max() > 1:
            raise DataError(f"{path} holds pixels other than 0 and 1; replace it")
        yield np.packbits(block.reshape(-1, N_PIXELS), axis=1)


@final
class PlainDsprites(Official, Plain):
    """White on black: Matthey et al. 2017."""


@final
class ColourDsprites(Official, Colour):
    """Colour dSprites: Locatello et al. 2019."""


@final
class NoisyDsprites(Official, Noisy):
    """Noisy dSprites: Locatello et al. 2019."""


@final
class ScreamDsprites(Official, Scream):
    """Scream dSprites: Locatello et al. 2019."""
