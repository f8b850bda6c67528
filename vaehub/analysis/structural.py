"""Structural similarity of images: pair by pair between two sets, and of all pairs of one set, tile by tile."""

import functools
import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vaehub.analysis.arrays import in_double, where_double_is
from vaehub.core.errors import VaehubError

SsimVariant = Literal["windowed", "gaussian", "global"]

LUMINANCE, CONTRAST = 0.01, 0.03
"""Constants K1 and K2 that keep the index finite where images are flat: Wang et al. 2004, Section III-B."""
GAUSSIAN_SIDE, GAUSSIAN_SIGMA = 11, 1.5
"""Window of Wang et al. 2004, Section III-C."""
VALUES_AT_ONCE = 2**19
"""Values processed at a time, of all pairs of two tiles at some positions: as many as the cores' caches hold."""
POSITIONS_AT_ONCE = 16
"""Least number of positions among them, if the image has as many: cores share the work by positions."""
ALIGNED = 16
"""Tile sizes are multiples of it: as many images as a vector register holds in float32, a fifth faster than others."""
HELD_BYTES = 2**28
"""Size of the image statistics kept at a time; bounds memory, changes no result."""
SUMMED_AT_ONCE = 16
"""Positions summed in the working precision, before float64 takes over."""
DOUBLE_UP_TO = 128
"""Number of images up to which everything is in float64, which is fast enough; float32 stays within 1e-6 of it."""


class SsimBlock(NamedTuple):
    """A tile of pairs: the images, and their similarities, shape ``(rows, columns)``, float64."""

    rows: slice
    columns: slice
    similarity: Tensor


class Statistics(NamedTuple):
    """Statistics of some images for the index, laid out as factors of matrix products at each position.

    With m the mean and v the variance of a window, c1 and c2 the constants: the similarity of two images at a position
    is (pixels' pixels) (means' means) / (left' right), where ' transposes.

    Attributes:
        pixels: Centred and scaled, and a row for c2, so that products are 2 cov + c2; ``(positions, pixels + 1, n)``.
        means: Scaled, and a row for c1, so that products are 2 m m + c1; ``(positions, 2, n)``.
        left: Rows pq, p, q and 1, with p = m² + c1/2 and q = v + c2/2; ``(positions, 4, n)``.
        right: Rows 1, q, p and pq, so that products are (p + p)(q + q).
    """

    pixels: Tensor
    means: Tensor
    left: Tensor
    right: Tensor


class Index:
    """The index of Wang et al. 2004, Eq. 13, with one kind of window.

    Args:
        shape: Height and width of an image, in pixels.
        variant: Windows over which the statistics are taken.
        window: Side of a uniform window, in pixels.
        data_range: Greatest possible value of a pixel.
        ddof: Subtracted from the number of pixels in the divisor of covariances.
        dtype: Dtype of the matrix products; means and variances are always in float64.
        device: Device of the images.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        variant: SsimVariant,
        window: int,
        data_range: float,
        ddof: int | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._lines = _lines(shape, variant, window, device)
        self._sides = tuple(len(line) for line in self._lines)
        self._positions = tuple(side - len(line) + 1 for side, line in zip(shape, self._lines, strict=True))
        n_pixels, self.n_positions = math.prod(self._sides), math.prod(self._positions)
        taken_off = ddof if ddof is not None else (0 if variant == "gaussian" else 1)
        # Weights that sum to 1 divide a covariance by the number of pixels; dividing by less makes it larger.
        self._scale = 1.0 if variant == "gaussian" else n_pixels / (n_pixels - taken_off)
        self._c1, self._c2 = (LUMINANCE * data_range) ** 2, (CONTRAST * data_range) ** 2
        self._dtype = dtype
        n_rows = n_pixels + 1 + 2 + 4 + 4
        self.bytes_of_image = self.n_positions * n_rows * dtype.itemsize

    def statistics(self, images: Tensor) -> Statistics:
        """Return the statistics of images, shape ``(n, h, w)``."""
        # Images last: all that follows is vectorised over them, whatever the window is.
        x = images.permute(1, 2, 0).contiguous()
        exact = x.to(torch.float64)
        mean = self._averaged(exact)
        variance = self._scale * (self._averaged(exact.square()) - mean.square())
        p, q, one = mean.square() + self._c1 / 2, variance + self._c2 / 2, torch.ones_like(mean)
        return Statistics(
            self._pixels(x.to(self._dtype), mean.to(self._dtype)),
            self._rows(2**0.5 * mean, self._c1**0.5 * one),
            self._rows(p * q, p, q, one),
            self._rows(one, q, p, p * q),
        )

    def similarity(self, a: Statistics, b: Statistics) -> Tensor:
        """Return the index of every pair, averaged over positions, shape ``(n of a, n of b)``, float64."""
        n_positions, shape = len(a.pixels), (a.pixels.shape[2], b.pixels.shape[2])
        step = min(n_positions, max(1, VALUES_AT_ONCE // (shape[0] * shape[1])))
        room = a.pixels.new_empty(3, step, *shape)
        total = a.pixels.new_zeros(shape, dtype=torch.float64)
        for start in range(0, n_positions, step):
            at = slice(start, start + step)
            numerator, luminance, denominator = room[:, : n_positions - start]
            torch.bmm(a.pixels[at].mT, b.pixels[at], out=numerator)
            torch.bmm(a.means[at].mT, b.means[at], out=luminance)
            torch.bmm(a.left[at].mT, b.right[at], out=denominator)
            total += numerator.mul_(luminance).div_(denominator).sum(dim=0)
        return total.div_(n_positions)

    def _averaged(self, x: Tensor) -> Tensor:
        """Return weighted means over windows, shape ``(rows of positions, columns of positions, n)``."""
        for axis, (line, n_positions) in enumerate(zip(self._lines, self._positions, strict=True)):
            parts = (weight * x.narrow(axis, at, n_positions) for at, weight in enumerate(line.tolist()))
            x = functools.reduce(Tensor.add_, parts)
        return x

    def _pixels(self, x: Tensor, mean: Tensor) -> Tensor:
        height, width = self._sides
        weights = 2 * self._scale * self._lines[0][:, None] * self._lines[1]
        pixels = x.new_empty(*self._positions, height * width + 1, x.shape[2])
        windows = x.unfold(0, height, 1).unfold(1, width, 1).permute(0, 1, 3, 4, 2)
        # Centred before products are taken: otherwise covariances of flat, bright windows would cancel.
        torch.sub(windows, mean[:, :, None, None], out=pixels[:, :, :-1].view(windows.shape))
        pixels[:, :, :-1] *= weights.sqrt().to(x.dtype).reshape(-1, 1)
        pixels[:, :, -1] = self._c2**0.5
        return pixels.flatten(0, 1)

    def _rows(self, *rows: Tensor) -> Tensor:
        return torch.stack([row.flatten(0, 1).to(self._dtype) for row in rows], dim=1)


def ssim_blocks(
    x: Tensor,
    variant: SsimVariant = "windowed",
    window: int = 7,
    data_range: float = 1.0,
    ddof: int | None = None,
    dtype: torch.dtype | None = None,
) -> Iterator[SsimBlock]:
    """Yield the similarities of all pairs of images, in tiles on and above the diagonal, without gradient.

    Wang et al. 2004, Eq. 13, computed by matrix products in bounded memory. Tiles on the diagonal are complete.

    Args:
        x: Grey images, shape ``(n, h, w)``, or images of several channels, shape ``(n, c, h, w)``, over which
            similarities are averaged, as in :func:`ssim`.
        variant: Where statistics are taken: uniform windows, windows weighted by a Gaussian, or the whole image.
        window: Side of a uniform window, in pixels, odd.
        data_range: Difference of the greatest and least possible value of a pixel.
        ddof: Subtracted from the number of pixels in the divisor of covariances; 1 (for ``gaussian`` 0) if not given.
        dtype: Dtype of the products of pixels; if not given, float64 for up to 128 images, and else float32, which is
            twice as fast and within 1e-6. Means and variances are always in float64.

    Raises:
        VaehubError: If there are no images, or a window does not fit them.
    """
    x = where_double_is(x.detach())
    _check(x, variant, window)
    working = dtype or (torch.float64 if len(x) <= DOUBLE_UP_TO else torch.float32)
    index = Index((x.shape[-2], x.shape[-1]), variant, window, data_range, ddof, working, x.device)
    channels = (x[:, None] if x.ndim == 3 else x).unbind(1)
    bytes_of_image = len(channels) * index.bytes_of_image
    tile = _tile(len(x), index.n_positions, bytes_of_image)
    held_at_once = tile * max(1, HELD_BYTES // (tile * bytes_of_image))
    for start in range(0, len(x), held_at_once):
        held = [
            (rows, [index.statistics(channel[rows]) for channel in channels])
            for rows in _ranges(start, min(start + held_at_once, len(x)), tile)
        ]
        for at, columns in enumerate(_ranges(start, len(x), tile)):
            right = held[at][1] if at < len(held) else [index.statistics(channel[columns]) for channel in channels]
            for rows, left in held[: at + 1]:
                block = functools.reduce(Tensor.add_, map(index.similarity, left, right)).div_(len(channels))
                # Products round differently on the two sides of the diagonal.
                yield SsimBlock(
                    rows, columns, block.add(block.mT).div_(2).fill_diagonal_(1) if rows == columns else block
                )


def ssim(x: Tensor, y: Tensor, window: int = 7, data_range: float = 1.0) -> Tensor:
    """Return the structural similarity of pairs of images, differentiable.

    Wang et al. 2004, Eq. 13, with uniform windows and sample covariances, averaged over the positions where a window
    fits and over channels, as scikit-image does by default. Shapes are broadcast.

    Args:
        x: Images, shape ``(..., c, h, w)``.
        y: Other images, in a shape that broadcasts with that of ``x``.
        window: Side of a window, in pixels, odd.
        data_range: Difference of the greatest and least possible value of a pixel.

    Returns:
        Similarities in [-1, 1], without unit, float64, in the broadcast shape without its last three axes.
    """
    x, y = in_double(x), in_double(y)
    mean_x, mean_y = _local_means(x, window), _local_means(y, window)
    sample = window**2 / (window**2 - 1)
    variance_x = sample * (_local_means(x.square(), window) - mean_x.square())
    variance_y = sample * (_local_means(y.square(), window) - mean_y.square())
    covariance = sample * (_local_means(x * y, window) - mean_x * mean_y)
    c1, c2 = (LUMINANCE * data_range) ** 2, (CONTRAST * data_range) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    index = numerator / ((mean_x.square() + mean_y.square() + c1) * (variance_x + variance_y + c2))
    return index.mean(dim=(-3, -2, -1))


def smallest_ssim_side(variant: SsimVariant, window: int = 7) -> int:
    """Return the least height and width of an image that a window fits, in pixels."""
    return {"windowed": window, "gaussian": GAUSSIAN_SIDE}.get(variant, 1)


def _local_means(images: Tensor, window: int) -> Tensor:
    means = functional.avg_pool2d(images.reshape(-1, *images.shape[-3:]), window, stride=1)
    return means.reshape(*images.shape[:-2], *means.shape[-2:])


def _tile(n: int, n_positions: int, bytes_of_image: int) -> int:
    """Return the number of images per tile: as many as memory and caches allow, in tiles of equal size."""
    in_cache = math.isqrt(VALUES_AT_ONCE // min(POSITIONS_AT_ONCE, n_positions))
    most = max(1, min(in_cache, HELD_BYTES // bytes_of_image))
    grain = ALIGNED if most >= ALIGNED else 1
    most -= most % grain
    return grain * math.ceil(n / (math.ceil(n / most) * grain))


def _ranges(start: int, stop: int, step: int) -> list[slice]:
    return [slice(at, min(at + step, stop)) for at in range(start, stop, step)]


def _lines(shape: tuple[int, int], variant: SsimVariant, window: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the vertical and horizontal weights of a separable window."""
    if variant == "gaussian":
        offsets = torch.arange(GAUSSIAN_SIDE, dtype=torch.float64, device=device) - GAUSSIAN_SIDE // 2
        line = (-0.5 * (offsets / GAUSSIAN_SIGMA).square()).exp()
        return line / line.sum(), line / line.sum()
    down, across = (window, window) if variant == "windowed" else shape
    return tuple(torch.full((side,), 1 / side, dtype=torch.float64, device=device) for side in (down, across))  # type: ignore[return-value]


def _check(x: Tensor, variant: SsimVariant, window: int) -> None:
    if x.ndim not in (3, 4) or 0 in x.shape[:-2]:
        raise VaehubError(
            "structural similarity takes images of shape (n, h, w), or (n, c, h, w) with colours, got shape "
            f"{tuple(x.shape)}"
        )
    side = smallest_ssim_side(variant, window)
    if min(x.shape[-2:]) < side:
        raise VaehubError(
            f"a window of {side}x{side} does not fit images of {x.shape[-2]}x{x.shape[-1]}; variant 'global' has none"
        )
