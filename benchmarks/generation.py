"""The Fréchet distance of 10,000 x 2,048 features, against the matrix square root of released FID implementations.

Both sides get the same arrays, alternate in one process, and must agree. The spectrum of the features falls like that
of Inception features, over three orders of magnitude; the square root of the product of covariances is SciPy's. The
kernel distance and precision and recall of the same features have no peer here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.linalg import sqrtm

from benchmarks.measure import Options, Row, in_turn
from vaehub import generator
from vaehub.plugins.generation.kernels import (
    frechet_distance,
    kernel_distance,
    knn_precision_recall,
    precision_recall,
)

N, N_FEATURES, REPEATS = 10_000, 2048, 3
TOLERANCE = 1e-5
"""Relative; released implementations keep half of the digits if eigenvalues of the product are near zero."""


def rows(_: Options) -> Iterator[Row]:
    """Measure both sides of the distance, then the jobs without a peer."""
    x, y = (_features(seed) for seed in (0, 1))
    found: dict[str, float] = {}
    ours, theirs = in_turn(
        REPEATS,
        lambda: _timed("ours", lambda: frechet_distance(x, y), found),
        lambda: _timed("theirs", lambda: _by_square_root(x.numpy(), y.numpy()), found),
    )
    np.testing.assert_allclose(found["ours"], found["theirs"], rtol=TOLERANCE)
    what = f"Fréchet distance of {N:,} x {N_FEATURES:,}"
    yield Row(what, ours["s"], theirs["s"], "s", theirs["s"] / ours["s"], "under 10 s")
    for name, kernel in (
        ("kernel distance, 100 subsets of 1,000", kernel_distance),
        ("precision and recall by neighbours", knn_precision_recall),
        ("precision and recall by clusters", precision_recall),
    ):
        yield Row(
            f"{name}, {N:,} x {N_FEATURES:,}",
            _timed(name, lambda k=kernel: k(x, y)[0], found)["s"],
            None,
            "s",
            None,
            "none",
        )


def _features(seed: int) -> torch.Tensor:
    random = generator(seed, "benchmark", "features")
    scales = torch.logspace(0, -1.5, N_FEATURES, dtype=torch.float64)
    mixed = torch.randn(N, N_FEATURES, generator=random, dtype=torch.float64) * scales
    # One rotation for both sets, so that covariances differ only in size.
    turn = torch.linalg.qr(
        torch.randn(N_FEATURES, N_FEATURES, generator=generator(0, "benchmark", "turn"), dtype=torch.float64)
    ).Q
    return (1 + 0.2 * seed) * mixed @ turn + 0.1 * seed


def _timed(name: str, work: Callable[[], float], found: dict[str, float]) -> dict[str, float]:
    started = time.perf_counter()
    found[name] = work()
    return {"s": time.perf_counter() - started}


def _by_square_root(x: np.ndarray, y: np.ndarray) -> float:
    of_x, of_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = sqrtm(of_x @ of_y)
    shift = x.mean(axis=0) - y.mean(axis=0)
    return float(shift @ shift + np.trace(of_x) + np.trace(of_y) - 2 * np.trace(root.real))
