"""The diversity of images, against a double loop over scikit-image's ``structural_similarity``.

The images are FashionMNIST's, or MNIST's if that is not available. Both sides read them from a file and use the same
7x7 windows. The loop takes 1,000 pairs, drawn at random, whose similarities must agree with ours to 1e-6; we take all
pairs. Two jobs have a limit but no peer: 10,000 images with windows, and all 60,000 with global statistics. Each runs
in a process of its own, so that its peak memory is known.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured
from vaehub import DataError
from vaehub.plugins.diversity.kernels import ssim_matrix

REPEATS = 3
TARGETS = {200: 20, 1000: 60}
TOLERANCE = 1e-6
OURS = HERE / "peers" / "vaehub_diversity.py"


def rows(options: Options) -> Iterator[Row]:
    """Measure pairs per second of both sides, then the two large jobs."""
    peer = environment(options.environments, "scikit-image", "scikit-image==0.26.0", "numpy==2.4.6")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, _images())
        for n, target in TARGETS.items():
            yield _compared(peer, path, n, target)
        yield from _large(path, 10_000, "windowed", "under 120 s")
        yield from _large(path, 60_000, "global", "under 30 s")


def _compared(peer: str, path: Path, n: int, target: int) -> Row:
    script, found = HERE / "peers" / "scikit_image_diversity.py", path.with_name("found.npz")
    ours, theirs = in_turn(
        REPEATS,
        lambda: measured(sys.executable, OURS, str(path), str(n), "windowed"),
        lambda: measured(peer, script, str(path), str(n), str(found)),
    )
    with np.load(found) as pairs:
        similarity = ssim_matrix(torch.from_numpy(np.load(path)[:n]).float() / 255)
        mine = similarity[pairs["i"], pairs["j"]].numpy()
        np.testing.assert_allclose(mine, pairs["similarity"], rtol=0, atol=TOLERANCE)
    ratio = ours["rate"] / theirs["rate"]
    return Row(f"diversity of {n:,} images", ours["rate"], theirs["rate"], "pairs/s", ratio, f"at least {target} times")


def _large(path: Path, n: int, variant: str, limit: str) -> Iterator[Row]:
    found = measured(sys.executable, OURS, str(path), str(n), variant)
    yield Row(f"diversity of {n:,} images, {variant}", found["seconds"], None, "s", None, limit)
    yield Row(f"diversity of {n:,} images, {variant}: peak", found["memory"], None, "MB", None, "under 1536 MB")


def _images() -> np.ndarray:
    from vaehub import Hub

    hub = Hub.open()
    try:
        data = hub.data("fashion_mnist")
    except DataError:
        data = hub.data("mnist")
    return data.split("train").stored[:, 0].numpy()
