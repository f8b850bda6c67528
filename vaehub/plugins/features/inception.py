"""Inception v3 as it was trained in December 2015, whose pooled features FID is defined by (Szegedy et al. 2016).

Names of layers are those of the published file of weights, so that it loads as it is. Where blocks differ from the
network that torchvision has: averages over 3x3 do not count padding, and the last block pools by the maximum.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 299
"""Side of the images that the network was trained on, in pixels."""
N_FEATURES = 2048

_average = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
_maximum = partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)
_halved = partial(functional.max_pool2d, kernel_size=3, stride=2)


class _Norm(nn.Module):
    """Batch normalisation by statistics that stay as they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=0.001)  # type: ignore[arg-type]


class _Conv(nn.Module):
    """A convolution without bias, normalised and rectified."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int = 1, padding: int | str = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = _Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _through(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


class _A(nn.Module):
    """Block of 35x35: 1x1, 5x5, twice 3x3, and an average."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(inputs, 64, 1)
        self.branch5x5_1 = _Conv(inputs, 48, 1)
        self.branch5x5_2 = _Conv(48, 64, 5, padding="same")
        self.branch3x3dbl_1 = _Conv(inputs, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding="same")
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding="same")
        self.branch_pool = _Conv(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        five = _through(x, [self.branch5x5_1, self.branch5x5_2])
        three = _through(x, [self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3])
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_average(x))], dim=1)


class _B(nn.Module):
    """From 35x35 to 17x17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(inputs, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding="same")
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        twice = _through(x, [self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3])
        return torch.cat([self.branch3x3(x), twice, _halved(x)], dim=1)


class _C(nn.Module):
    """Block of 17x17: 1x1, 7x7 as 1x7 and 7x1, twice that, and an average."""

    def __init__(self, inputs: int, inner: int) -> None:
        super().__init__()
        wide, high = (1, 7), (7, 1)
        self.branch1x1 = _Conv(inputs, 192, 1)
        self.branch7x7_1 = _Conv(inputs, inner, 1)
        self.branch7x7_2 = _Conv(inner, inner, wide, padding="same")
        self.branch7x7_3 = _Conv(inner, 192, high, padding="same")
        self.branch7x7dbl_1 = _Conv(inputs, inner, 1)
        self.branch7x7dbl_2 = _Conv(inner, inner, high, padding="same")
        self.branch7x7dbl_3 = _Conv(inner, inner, wide, padding="same")
        self.branch7x7dbl_4 = _Conv(inner, inner, high, padding="same")
        self.branch7x7dbl_5 = _Conv(inner, 192, wide, padding="same")
        self.branch_pool = _Conv(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        once = _through(x, [self.branch7x7_1, self.branch7x7_2, self.branch7x7_3])
        first = [self.branch7x7dbl_1, self.branch7x7dbl_2, self.branch7x7dbl_3]
        twice = _through(x, [*first, self.branch7x7dbl_4, self.branch7x7dbl_5])
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool(_average(x))], dim=1)


class _D(nn.Module):
    """From 17x17 to 8x8."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = _Conv(inputs, 192, 1)
        self.branch3x3_2 = _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(inputs, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding="same")
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding="same")
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three = _through(x, [self.branch3x3_1, self.branch3x3_2])
        seven = _through(x, [self.branch7x7x3_1, self.branch7x7x3_2, self.branch7x7x3_3, self.branch7x7x3_4])
        return torch.cat([three, seven, _halved(x)], dim=1)


class _E(nn.Module):
    """Block of 8x8: 1x1, 3x3 as 1x3 beside 3x1, the same after another 3x3, and an average or a maximum."""

    def __init__(self, inputs: int, *, by_maximum: bool) -> None:
        super().__init__()
        self.pool = _maximum if by_maximum else _average
        self.branch1x1 = _Conv(inputs, 320, 1)
        self.branch3x3_1 = _Conv(inputs, 384, 1)
        self.branch3x3_2a = _Conv(384, 384, (1, 3), padding="same")
        self.branch3x3_2b = _Conv(384, 384, (3, 1), padding="same")
        self.branch3x3dbl_1 = _Conv(inputs, 448, 1)
        self.branch3x3dbl_2 = _Conv(448, 384, 3, padding="same")
        self.branch3x3dbl_3a = _Conv(384, 384, (1, 3), padding="same")
        self.branch3x3dbl_3b = _Conv(384, 384, (3, 1), padding="same")
        self.branch_pool = _Conv(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        once = self.branch3x3_1(x)
        twice = _through(x, [self.branch3x3dbl_1, self.branch3x3dbl_2])
        sides = [self.branch3x3_2a(once), self.branch3x3_2b(once)]
        more = [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([self.branch1x1(x), *sides, *more, self.branch_pool(self.pool(x))], dim=1)


class InceptionV3(nn.Module):
    """The network up to its last average: images as :func:`as_inception` makes them, to ``(n, 2048)``."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding="same")
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b = _A(192, 32)
        self.Mixed_5c = _A(256, 64)
        self.Mixed_5d = _A(288, 64)
        self.Mixed_6a = _B(288)
        self.Mixed_6b = _C(768, 128)
        self.Mixed_6c = _C(768, 160)
        self.Mixed_6d = _C(768, 160)
        self.Mixed_6e = _C(768, 192)
        self.Mixed_7a = _D(768)
        self.Mixed_7b = _E(1280, by_maximum=False)
        self.Mixed_7c = _E(2048, by_maximum=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        x = _halved(_through(x, [self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3]))
        x = _halved(_through(x, [self.Conv2d_3b_1x1, self.Conv2d_4a_3x3]))
        x = _through(x, [self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a])
        x = _through(x, [self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e])
        return _through(x, [self.Mixed_7a, self.Mixed_7b, self.Mixed_7c]).mean(dim=(2, 3))


def load_inception(path: Path) -> InceptionV3:
    """Return the network with the published weights, having left out what makes classes of features."""
    network = InceptionV3()
    given = torch.load(path, map_location="cpu", weights_only=True)
    unused = [name for name in given if name.startswith("fc.") or name.endswith("num_batches_tracked")]
    network.load_state_dict({name: value for name, value in given.items() if name not in unused})
    return network.eval().requires_grad_(False)


def as_inception(x: Tensor) -> Tensor:
    """Return images as the network takes them: bytes of three channels, resized, in [-1, 1).

    Heusel et al. 2017, released code: bytes go into a TensorFlow graph that resizes them bilinearly with corners as
    TensorFlow 1 has them, not as PyTorch has, then takes 128 off and divides by 128.

    Args:
        x: Grey or coloured, in [0, 1], shape ``(n, 1 or 3, h, w)``.
    """
    levels = (255 * x).floor().clamp(0, 255)
    down, across = (_resizing(side).to(x) for side in x.shape[2:])
    large = down @ levels @ across.mT
    return ((large - 128) / 128).expand(-1, 3, -1, -1)


def _resizing(side: int) -> Tensor:
    """Return the weights by which pixels in a line make 299 of them, shape ``(299, side)``."""
    places = torch.arange(SIDE, dtype=torch.float64) * side / SIDE
    low = places.floor().long()
    high = (low + 1).clamp(max=side - 1)
    share = places - low
    rows = torch.arange(SIDE)
    weights = torch.zeros(SIDE, side, dtype=torch.float64)
    weights.index_put_((rows, low), 1 - share, accumulate=True)
    weights.index_put_((rows, high), share, accumulate=True)
    return weights
