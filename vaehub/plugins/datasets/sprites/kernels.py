"""Images with the factors of dSprites (Matthey et al. 2017), drawn rather than downloaded.

Sizes, grid and directions are measured on the only real frames in the repository of dSprites, its ``dsprites.gif`` (320
frames). The centre of a sprite moves by 32/31 pixels from one position to the next, so that a sprite falls differently
on the pixels at each position, as in the original.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

NAMES = ("shape", "scale", "orientation", "position_x", "position_y")
"""Factors, in the order of dSprites."""

SHAPES = ("square", "ellipse", "heart")
"""Names of the classes of the first factor."""

VALUES: dict[str, NDArray[np.float64]] = {
    "shape": np.arange(1.0, 4.0),
    "scale": np.linspace(0.5, 1, 6),
    "orientation": np.linspace(0, 2 * np.pi, 40),
    "position_x": np.linspace(0, 1, 32),
    "position_y": np.linspace(0, 1, 32),
}
"""Value of each class, as in dSprites: orientation in radians, anticlockwise as seen, the last equal to the first;
position rightwards and downwards, as a share of the range."""

SIZES = tuple(len(VALUES[name]) for name in NAMES)
"""Number of classes of each factor; 737,280 images in all."""

SIDE = 64
"""Height and width of an image, in pixels."""

NEAREST, WAY = 16, 32
"""Distance of the first centre from the left and the upper edge, and from the first centre to the last, in pixels."""

SQUARE_HALF_SIDE = 9.6
"""Half the side of the square at scale 1, in pixels; fitted to the real frames."""

ELLIPSE_HALF_AXES = (12.77, 7.21)
"""Horizontal and vertical half axis at scale 1 and orientation 0, in pixels; fitted to the real frames."""

HEART_SCALE, HEART_LIFT = (0.6, 0.662), 1.44
"""Horizontal and vertical size of the heart curve and its height above the centre of rotation, at scale 1, in pixels;
fitted to the real frames."""

REACH = 14
"""No outline extends further from its centre, in pixels: the corner of the square is at 13.6."""

STEPS = SIZES[4] - 1
"""Number of sub-pixel positions of a sprite: its centre lies at a multiple of 1/31 pixel."""

VERTICES = 128
"""Corners of the polygon for a curve: its area differs from the curve's by less than 0.1 %."""

CROSSINGS = 4
"""Greatest number of intersections of a horizontal line and an outline."""

AT_ONCE = 2048
"""Images drawn at a time; bounds memory, changes no result."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Increment of the counter in SplitMix64: 2^64 divided by the golden ratio, odd (Steele et al. 2014)."""

TICK = np.float32(2**-24)
"""Distance of neighbouring random numbers: they have as many bits as a float32 has below 1."""


def render(classes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the images of the given classes of factors.

    A pixel is set if its centre lies within the outline, as in the original: the mean intersection over union with the
    320 real frames is above 0.999 for each shape.

    Args:
        classes: Class of each factor, shape ``(n, 5)``, in the order of ``NAMES``.

    Returns:
        Images, shape ``(n, 64, 64)``, rows from the top, with values 0 and 1. About 30 MB are needed in addition.
    """
    images = np.empty((len(classes), SIDE, SIDE), np.uint8)
    for start in range(0, len(classes), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        packed = _lines(classes[some]).view(np.uint8).reshape(-1, SIDE, SIDE // 8)
        images[some] = np.unpackbits(packed, axis=2, bitorder="little")
    return images


def _lines(classes: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the rows of images, shape ``(n, 64)``; bit j of a row is its pixel j from the left."""
    shape, scale, orientation, x, y = classes.T[:, :, None]
    rows, scanlines = _rows()
    rows, scanlines = rows[y[:, 0]], scanlines[y[:, 0]]
    centres = (NEAREST + WAY * VALUES["position_x"]).astype(np.float32)
    crossings = _crossings()[shape, scale, orientation, scanlines] + centres[x, None]
    # The first pixel whose centre is right of the crossing; pixels before it are flipped, twice outside the outline.
    first = np.ceil(crossings - np.float32(0.5)).astype(np.uint64)
    flipped = (np.uint64(1) << first) - np.uint64(1)
    lines = np.zeros((len(classes), SIDE), "<u8")
    np.put_along_axis(lines, rows, np.bitwise_xor.reduce(flipped, axis=2), axis=1)
    return lines


def _rows() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return, for each vertical position, the rows that a sprite can reach and their scanlines, each ``(32, 28)``."""
    # In steps of 1/31 pixel. The centre of a pixel is half a pixel, or 15.5 steps, below its upper edge.
    shift = WAY * np.arange(SIZES[4])[:, None] - STEPS // 2
    rows = NEAREST - REACH - (-shift // STEPS) + np.arange(2 * REACH)
    return rows, STEPS * (rows - NEAREST + REACH) - shift


@cache
def _crossings() -> NDArray[np.float32]:
    """Return the crossings of scanlines with each outline, relative to its centre, in pixels.

    Scanlines lie 1/31 pixel apart, so that every row of every image is one of them. Shape ``(3, 6, 40, 868, 4)``: from
    left to right, padded with pairs of zeros if a scanline crosses the outline less often.
    """
    y = ((np.arange(2 * REACH * STEPS) + 0.5) / STEPS - REACH).astype(np.float32)[:, None]
    crossings = np.zeros((*SIZES[:3], len(y), CROSSINGS), np.float32)
    for shape, outline in enumerate(outlines()):
        for scale, size in enumerate(VALUES["scale"]):
            # The last angle equals the first, to the bit.
            for orientation, angle in enumerate(VALUES["orientation"] % (2 * np.pi)):
                cos, sin = np.cos(angle), np.sin(angle)
                corners = size * outline @ np.array([[cos, -sin], [sin, cos]])
                crossings[shape, scale, orientation] = _meet(corners.astype(np.float32), y)
    return crossings


def _meet(corners: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the crossings of scanlines ``(m, 1)`` with a polygon ``(k, 2)``, shape ``(m, 4)``."""
    (x0, y0), (x1, y1) = corners.T, np.roll(corners, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        x = x0 + (y - y0) * ((x1 - x0) / (y1 - y0))
    x = np.sort(np.where((y0 <= y) != (y1 <= y), x, np.inf), axis=1)[:, :CROSSINGS]
    return np.where(np.isfinite(x), x, 0)


def outlines() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of square, ellipse and heart at scale 1 and orientation 0.

    The heart is the curve ``16 sin(t)^3, 13 cos(t) - 5 cos(2 t) - 2 cos(3 t) - cos(4 t)`` of area ``180 pi``, scaled;
    a fit of its coefficients to the real frames gives these values within 2 %.

    Returns:
        Three arrays of shape ``(k, 2)``, rightwards and downwards from the centre of rotation, in pixels.
    """
    square = SQUARE_HALF_SIDE * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    t = np.arange(VERTICES) * (2 * np.pi / VERTICES)
    ellipse = np.stack([np.cos(t), np.sin(t)], axis=1) * ELLIPSE_HALF_AXES
    height = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    heart = np.stack([HEART_SCALE[0] * 16 * np.sin(t) ** 3, -HEART_LIFT - HEART_SCALE[1] * height], axis=1)
    return square, ellipse, heart


def coloured(masks: NDArray[np.uint8], colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sprites of one colour each, on black.

    Colour dSprites of Locatello et al. 2019, as in their code, where each channel is uniform in [0.5, 1).

    Args:
        masks: Binary images, shape ``(n, 64, 64)``.
        colours: Colour of each sprite, shape ``(n, 3)``, in [0, 1].

    Returns:
        Images, shape ``(n, 3, 64, 64)``, in [0, 1].
    """
    return masks[:, None].astype(np.float32) * colours[:, :, None, None]


def noisy(masks: NDArray[np.uint8], noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return white sprites on a background of noise.

    Noisy dSprites of Locatello et al. 2019, as in their code: the sum of sprite and noise, clipped to 1, with noise
    uniform in [0, 1) for each value.

    Args:
        masks: Binary images, shape ``(n, 64, 64)``.
        noise: Shape ``(n, 3, 64, 64)``, in [0, 1].

    Returns:
        Images, shape ``(n, 3, 64, 64)``, in [0, 1]: exactly 1 within the sprite.
    """
    return np.maximum(masks[:, None].astype(np.float32), noise)


def on_picture(
    masks: NDArray[np.uint8], patches: NDArray[np.float32], colours: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return sprites that appear as the negative of the tinted image behind them.

    Scream dSprites of Locatello et al. 2019, as in their code, where a patch is a random part of Munch's painting and
    each channel of a colour is uniform in [0, 1).

    Args:
        masks: Binary images, shape ``(n, 64, 64)``.
        patches: Patches of an image, shape ``(n, 3, 64, 64)``, in [0, 1].
        colours: Tint of each background, shape ``(n, 3)``, in [0, 1].

    Returns:
        Images, shape ``(n, 3, 64, 64)``, in [0, 1].
    """
    background = (patches + colours[:, :, None, None]).astype(np.float32) / 2
    return np.where(masks[:, None] > 0, 1 - background, background)


def uniform(seed: int, rows: NDArray[np.integer], n_values: int, stream: int = 0) -> NDArray[np.float32]:
    """Return random numbers that belong to observations.

    Each depends only on seed, stream, row and position, so that an observation has the same numbers in any subset and
    in any order. The mixing is that of SplitMix64 (Steele, Lea & Flood 2014, Fig. 12) applied to a counter that starts
    at a hash of seed, stream and row; each word gives two numbers.

    Args:
        seed: Any integer, taken modulo 2^64.
        rows: Which observations, shape ``(n,)``, not negative.
        n_values: Count of numbers per observation; a larger count leaves the first ones unchanged.
        stream: Sequence, for uses that must be independent of each other; any integer.

    Returns:
        Numbers in [0, 1), multiples of 2^-24, shape ``(n, n_values)``.
    """
    start = np.zeros(1, np.uint64)
    for part in (np.array([seed % 2**64], np.uint64), np.array([stream % 2**64], np.uint64), rows.astype(np.uint64)):
        start = _mixed((start ^ part) + GOLDEN)
    places = np.arange(1, n_values // 2 + n_values % 2 + 1, dtype=np.uint64) * GOLDEN
    numbers = np.empty((len(rows), 2 * len(places)), np.float32)
    # Row by row, because a row of words stays in the processor's cache.
    for row, first in enumerate(start):
        np.multiply(_mixed(places + first).astype("<u8", copy=False).view("<u4") >> 8, TICK, out=numbers[row])
    return numbers[:, :n_values]


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words whose every bit depends on every bit of the given ones, which are overwritten."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words ^= words >> np.uint64(shift)
        words *= np.uint64(factor)
    words ^= words >> np.uint64(31)
    return words
