"""What a device computes, beside the CPU: ``python -m benchmarks --device cuda:0``, or ``make gpu``.

Training beside pythae on the same device, ten seeds together, and the mathematics that takes longest: relevance, CKA,
SSIM and nearest neighbours. Sides take the same numbers in one process, are waited for, and alternate.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import seeds
from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured
from vaehub import DataSpec, generator
from vaehub.analysis import where_double_is
from vaehub.plugins.ard.kernels import relevance_weights
from vaehub.plugins.diversity.kernels import ssim_diversity
from vaehub.plugins.intrinsic_dimension.kernels import nearest
from vaehub.plugins.networks.convolutions.ard import ArdMnist
from vaehub.plugins.networks.convolutions.params import ArdMnistParams
from vaehub.plugins.similarity.kernels import cka_matrix

REPEATS = 3
N_IMAGES = 20_000
WAYS = {"mlp": ("float32", "bfloat16"), "conv_higgins": ("float32", "bfloat16-channels_last")}
LATENTS = 16


def rows(options: Options) -> Iterator[Row]:
    """Measure training, seeds and mathematics on the device."""
    device = torch.device(options.device)
    yield from _training(options)
    yield from seeds.rows(options)
    for what, work, n in _mathematics():
        ours, cpu = in_turn(
            REPEATS, partial(_seconds, work, n, device), partial(_seconds, work, n, torch.device("cpu"))
        )
        yield Row(f"{what}, beside the CPU", ours["s"], cpu["s"], "s", cpu["s"] / ours["s"], "—")


def _training(options: Options) -> Iterator[Row]:
    """Yield images per second beside pythae's, whose trainer knows CUDA alone: elsewhere, beside ours on the CPU."""
    device = torch.device(options.device)
    peer = environment(options.environments, "pythae", "torch==2.13.0", "pythae==0.1.2") if device.type != "mps" else ""
    ours_at, theirs_at = HERE / "peers" / "vaehub_training.py", HERE / "peers" / "pythae_training.py"
    shapes = {"mlp": (N_IMAGES, 1, 28, 28), "conv_higgins": (N_IMAGES // 4, 1, 64, 64)}
    with tempfile.TemporaryDirectory() as folder:
        for network, shape in shapes.items():
            path = str(Path(folder) / f"{network}.npy")
            np.save(path, np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
            sides = [
                partial(measured, sys.executable, ours_at, path, network, way, options.device) for way in WAYS[network]
            ]
            if peer:
                other, name = (
                    partial(measured, peer, theirs_at, path, network, "whole", options.device),
                    "pythae's trainer",
                )
            else:
                other, name = (
                    partial(measured, sys.executable, ours_at, path, network, "float32", "cpu"),
                    "ours on the CPU",
                )
            *found, theirs = in_turn(REPEATS, *sides, other)
            for way, figures in zip(WAYS[network], found, strict=True):
                ratio = figures["rate"] / theirs["rate"]
                yield Row(f"{network} in {way}, beside {name}", figures["rate"], theirs["rate"], "images/s", ratio, "—")


def _mathematics() -> Iterator[tuple[str, Callable[[Tensor], object], Tensor]]:
    random = generator(0, "benchmark")
    network = ArdMnist(ArdMnistParams(), DataSpec((1, 32, 32), True), LATENTS, 2).eval().requires_grad_(False)

    def relevance(z: Tensor) -> object:
        decoder = network.to(z.device).decoder
        return relevance_weights(lambda codes: decoder(codes).sigmoid(), z)

    z, layers = torch.randn(100, LATENTS, generator=random), torch.randn(8, 2000, 1024, generator=random)
    images, vectors = torch.rand(2000, 28, 28, generator=random), torch.randn(10_000, 784, generator=random)
    yield f"relevance, {LATENTS} latents of 100 observations", relevance, z
    yield "CKA of all pairs of 8 layers, 2,000 x 1,024", lambda x: cka_matrix(list(where_double_is(x))), layers
    yield "SSIM of all pairs of 2,000 images", ssim_diversity, images
    yield "20 nearest neighbours of 10,000 x 784", lambda x: nearest(x, 20), vectors


def _seconds(work: Callable[[Tensor], object], given: Tensor, device: torch.device) -> dict[str, float]:
    x = given.to(device)
    work(x[:32] if x.dim() != 3 or len(x) > 8 else x)  # what is loaded or chosen at the first call
    _wait(device)
    started = time.perf_counter()
    work(x)
    _wait(device)
    return {"s": time.perf_counter() - started}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
