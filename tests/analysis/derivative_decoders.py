"""Decoders of every kind, and their derivatives by automatic differentiation in float64."""

import copy

import torch
from torch import nn
from torch.nn import functional

from vaehub import generator as stream
from vaehub.analysis.derivatives import REVERSE, TWICE
from vaehub.core.random import seeded_construction

LATENT_DIM, STEPS, WIDTH = 4, 5, 8
IN_DOUBLE = "central differences in float64"
IN_ITS_OWN = "central differences in the decoder's own precision"


class Sequence(nn.Module):
    """Latents to a sequence, some layer, and a map of each step."""

    def __init__(self, layer, width=WIDTH):
        super().__init__()
        self.first, self.layer, self.last = nn.Linear(LATENT_DIM, STEPS * WIDTH), layer, nn.Linear(width, 6)

    def forward(self, z):
        found = self.layer(self.first(z).reshape(-1, STEPS, WIDTH))
        return self.last(found[0] if isinstance(found, tuple) else found).flatten(1)


class Transformer(nn.Module):
    """Plain enough for TorchScript."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(LATENT_DIM, 40), nn.Linear(8, 6)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, z):
        return self.last(self.layer(self.first(z).reshape(-1, 5, 8))).flatten(1)


class Fused(nn.Module):
    def forward(self, x):
        return functional.scaled_dot_product_attention(x, x.sin(), x.cos())


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Warped(nn.Module):
    """Moves a picture by an affine map."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(LATENT_DIM, 6)
        self.picture = nn.Parameter(torch.rand(1, 2, 7, 7))

    def forward(self, z):
        grid = functional.affine_grid(0.3 * self.map(z).reshape(-1, 2, 3), [len(z), 2, 6, 6], align_corners=False)
        picture = self.picture.expand(len(z), -1, -1, -1)
        return functional.grid_sample(picture, grid, align_corners=False)


class Distances(nn.Module):
    def __init__(self, n=9):
        super().__init__()
        self.places = nn.Parameter(torch.randn(n, LATENT_DIM))

    def forward(self, z):
        return torch.exp(-torch.cdist(z, self.places, compute_mode="donot_use_mm_for_euclid_dist"))


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(LATENT_DIM, WIDTH * 16), nn.GroupNorm(2, WIDTH)
        self.last = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, z):
        hidden = self.first(z).reshape(-1, WIDTH, 4, 4).contiguous(memory_format=torch.channels_last)
        return self.last(functional.elu(self.norm(hidden)))


class Sine(torch.autograd.Function):
    """An operation of the user's own, as most are written: with a backward pass alone."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x.cos()


class WrongSine(Sine):
    """Has a slip in its backward pass."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x.sin()


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.function, self.last = nn.Linear(LATENT_DIM, WIDTH), function, nn.Linear(WIDTH, 9)

    def forward(self, z):
        return self.last(self.function(self.first(z)))


class Reused(nn.Module):
    """Works in place, on its input too."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(LATENT_DIM, WIDTH), nn.Linear(WIDTH, 9)

    def forward(self, z):
        return self.last(self.first(z.mul_(2)).sin_())


def out_of_pytorch(x):
    return torch.from_numpy(x.detach().numpy()).sin()


class CastToSingle(nn.Module):
    """Computes in float32 whatever it is given, and out of PyTorch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.randn(LATENT_DIM, 9, generator=stream(0, "weight"))

    def forward(self, z):
        return (torch.from_numpy(z.detach().float().numpy()) @ self.weight).sin()


def plain():
    return nn.Sequential(nn.Linear(LATENT_DIM, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 9))


MODULES = {
    "relu": (plain, "forward mode"),
    "fused attention": (lambda: Sequence(Fused()), "forward mode"),
    "multi-head attention": (lambda: Sequence(SelfAttention()), "forward mode"),
    "transformer layer": (Transformer, "forward mode"),
    "lstm": (lambda: Sequence(nn.LSTM(WIDTH, 6, batch_first=True), 6), "forward mode"),
    "gru": (lambda: Sequence(nn.GRU(WIDTH, 6, batch_first=True), 6), "forward mode"),
    "grid sample": (Warped, TWICE),
    "distances": (Distances, REVERSE),
    "many distances": (lambda: Distances(40), IN_DOUBLE),
    "group normalisation, channels last": (ChannelsLast, TWICE),
    "a function of the user's own": (lambda: Applied(Sine.apply), TWICE),
    "a wrong function of the user's own": (lambda: Applied(WrongSine.apply), IN_DOUBLE),
    "in place": (Reused, "forward mode"),
    "out of PyTorch": (lambda: Applied(out_of_pytorch), IN_DOUBLE),
    "out of PyTorch, in float32": (CastToSingle, IN_ITS_OWN),
}
TOLERANCE = {IN_DOUBLE: 1e-6, IN_ITS_OWN: 3e-3}
"""Relative: differences in float64 are those of a decoder whose weights were rounded to float32, as the others are; in
float32 the cube root of rounding, 5e-3, is the step, and its square the error, but for kinks."""


def built(kind):
    with seeded_construction(0):
        return MODULES[kind][0]().eval()


def latents(n=9):
    return torch.randn(n, LATENT_DIM, generator=stream(0, "z"))


def reference(kind, z):
    """Return derivatives in float64: of the same weights, by the plainest means."""
    module = copy.deepcopy(built(kind)).double()
    if "out of PyTorch" in kind or "wrong" in kind:
        exact = {"a wrong function of the user's own": torch.sin, "out of PyTorch": torch.sin}.get(kind)
        if exact is not None:
            module.function = exact
        else:
            weight = module.weight.double()
            return torch.stack([weight.T * (row @ weight).cos()[:, None] for row in z.double()])
    rows = [
        torch.autograd.functional.jacobian(lambda one: module(one[None].clone())[0].flatten(), row)
        for row in z.double()
    ]
    return torch.stack(rows)
