"""Weights of the relevance score, beside one reverse-mode Jacobian for each observation.

The network is the ARD paper's for MNIST, 100 observations. The reverse side is timed on a tenth of them and scaled,
since each takes seconds. A second reverse side batches all of them, for information.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.measure import Row, in_turn
from vaehub import DataSpec, generator
from vaehub.plugins.ard.kernels import relevance_weights
from vaehub.plugins.ard.network import ArdMnist
from vaehub.plugins.ard.params import ArdMnistParams

N, SAMPLE, REPEATS = 100, 10, 3
TARGETS = {16: 60, 128: 15}
Decode = Callable[[Tensor], Tensor]


def rows() -> Iterator[Row]:
    """Measure both latent sizes of the issue."""
    for latent_dim, target in TARGETS.items():
        decode, z = _decoder(latent_dim)
        _same(decode, z[:SAMPLE])
        ours, one_by_one, batched = in_turn(
            REPEATS,
            lambda decode=decode, z=z: _timed(lambda: relevance_weights(decode, z)),
            lambda decode=decode, z=z: _timed(lambda: _one_by_one(decode, z[:SAMPLE])),
            lambda decode=decode, z=z: _timed(lambda: _batched(decode, z[:SAMPLE])),
        )
        for name, theirs, wanted in (
            ("one by one", one_by_one, f"at least {target} times"),
            ("batched by vmap", batched, "none"),
        ):
            scaled = theirs["s"] * N / SAMPLE
            what = f"relevance, {latent_dim} latents, reverse mode {name}"
            yield Row(what, ours["s"], scaled, "s", scaled / ours["s"], wanted)


def _decoder(latent_dim: int) -> tuple[Decode, Tensor]:
    network = ArdMnist(ArdMnistParams(), DataSpec((1, 32, 32), True), latent_dim, 2).eval().requires_grad_(False)
    z = torch.randn(N, latent_dim, generator=generator(0, "benchmark"))
    return lambda codes: network.decoder(codes).sigmoid(), z


def _one_by_one(decode: Decode, z: Tensor) -> Tensor:
    jacobians = [torch.autograd.functional.jacobian(lambda one: decode(one[None])[0].flatten(), row) for row in z]
    return torch.stack(jacobians).square().mean(0).sum(0)


def _batched(decode: Decode, z: Tensor) -> Tensor:
    jacobian = torch.func.jacrev(lambda one: decode(one[None])[0].flatten(), chunk_size=128)
    return torch.stack([jacobian(row) for row in z]).square().mean(0).sum(0)


def _same(decode: Decode, z: Tensor) -> None:
    torch.testing.assert_close(relevance_weights(decode, z).float(), _one_by_one(decode, z), rtol=1e-4, atol=0)


def _timed(work: Callable[[], Tensor]) -> dict[str, float]:
    started = time.perf_counter()
    work()
    return {"s": time.perf_counter() - started}
