"""Weights of the relevance score, against one reverse-mode Jacobian per observation.

The network is the ARD paper's for MNIST, at 100 observations, and then a decoder with attention over 16 patches. Both
sides differentiate the same decoder in one process, and their results are compared. Each reverse-mode Jacobian takes
seconds, so 10 are timed and scaled to 100, unless ``--full`` is given; we always compute all 100. A second reverse-mode
side batches the backward passes, as a user of ``torch.func`` would; it has no target.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.measure import Options, Row, in_turn
from vaehub import DataSpec, generator
from vaehub.plugins.ard.kernels import relevance_weights
from vaehub.plugins.networks.convolutions.ard import ArdMnist
from vaehub.plugins.networks.convolutions.params import ArdMnistParams

N, SAMPLE, ROUNDS = 100, 10, 5
TARGETS = {16: 60, 128: 15}
ATTENTION_LATENTS, ATTENTION_TARGET = 16, 20
TOLERANCE = 1e-4
"""Relative; float32 rounds at 6e-8, through five layers and a sum of 1,024 squares in a different order."""

Decode = Callable[[Tensor], Tensor]


class Patches(nn.Module):
    """Latents to 16 patches of 8 x 8, which attend to each other in two transformer layers."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.first = nn.Linear(latent_dim, 16 * 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.last = nn.Linear(64, 64)

    def forward(self, z: Tensor) -> Tensor:
        """Return 16 patches for each latent vector, shape ``(n, 16, 64)``."""
        x: Tensor = self.last(self.layers(self.first(z).reshape(-1, 16, 64)))
        return x.sigmoid()


class Reverse:
    """A reverse-mode side, which processes a share of its observations in each round.

    Args:
        jacobian: Derivatives at some observations, shape ``(n, values, latent_dim)``.
        z: All observations that it processes.
    """

    def __init__(self, jacobian: Decode, z: Tensor) -> None:
        self._jacobian = jacobian
        self._shares = iter(z.chunk(ROUNDS))
        self._n = len(z)
        self._sums: list[Tensor] = []

    def round(self) -> dict[str, float]:
        """Return seconds for one share, scaled to 100 observations."""
        share = next(self._shares)
        started = time.perf_counter()
        self._sums.append(self._jacobian(share).square().sum(dim=(0, 1)))
        return {"s": (time.perf_counter() - started) * N / len(share)}

    def weights(self) -> Tensor:
        """Return the weights over all shares so far."""
        return torch.stack(self._sums).double().sum(0) / self._n


def rows(options: Options) -> Iterator[Row]:
    """Measure at both latent sizes, and with attention."""
    n = N if options.full else SAMPLE
    for latent_dim, target, (decode, z), kind in _settings():
        sides = {"one by one": Reverse(_one_by_one(decode), z[:n]), "batched": Reverse(_batched(decode), z[:n])}
        ours, *theirs = in_turn(
            ROUNDS, lambda decode=decode, z=z: _ours(decode, z), *(side.round for side in sides.values())
        )
        wanted = relevance_weights(decode, z[:n])
        for (name, side), figures in zip(sides.items(), theirs, strict=True):
            torch.testing.assert_close(side.weights(), wanted, rtol=TOLERANCE, atol=0)
            what = f"relevance{kind}, {latent_dim} latents, reverse mode {name}{'' if options.full else f', from {n}'}"
            aim = f"at least {target} times" if name == "one by one" else "none"
            yield Row(what, ours["s"], figures["s"], "s", figures["s"] / ours["s"], aim)


def _settings() -> Iterator[tuple[int, int, tuple[Decode, Tensor], str]]:
    for latent_dim, target in TARGETS.items():
        yield latent_dim, target, _decoder(latent_dim), ""
    yield ATTENTION_LATENTS, ATTENTION_TARGET, _with_attention(ATTENTION_LATENTS), " with attention"


def _with_attention(latent_dim: int) -> tuple[Decode, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        decoder = Patches(latent_dim).eval().requires_grad_(False)
    return decoder, torch.randn(N, latent_dim, generator=generator(0, "benchmark"))


def _decoder(latent_dim: int) -> tuple[Decode, Tensor]:
    network = ArdMnist(ArdMnistParams(), DataSpec((1, 32, 32), True), latent_dim, 2).eval().requires_grad_(False)
    z = torch.randn(N, latent_dim, generator=generator(0, "benchmark"))
    return lambda codes: network.decoder(codes).sigmoid(), z


def _ours(decode: Decode, z: Tensor) -> dict[str, float]:
    started = time.perf_counter()
    relevance_weights(decode, z)
    return {"s": time.perf_counter() - started}


def _one_by_one(decode: Decode) -> Decode:
    def jacobian(z: Tensor) -> Tensor:
        one = torch.autograd.functional.jacobian
        return torch.stack([one(lambda code: decode(code[None])[0].flatten(), row) for row in z])

    return jacobian


def _batched(decode: Decode) -> Decode:
    one = torch.func.jacrev(lambda code: decode(code[None])[0].flatten())
    # One observation at a time, with all its backward passes, which bounds memory.
    return torch.func.vmap(one, chunk_size=1)
