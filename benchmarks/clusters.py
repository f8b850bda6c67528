"""Precision and recall by clusters of 2 x 1,000 images of 3,072 pixels, against scikit-learn's own first centres.

The released code, and ours before, let scikit-learn compute the distances anew for each of the ten starts of a
clustering. Both sides get the same arrays and take turns in one process; times are seconds of processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from benchmarks.measure import Options, Row, in_turn
from vaehub import generator
from vaehub.plugins.generation.clusters import BETA, Coverage, best_f, precision_recall, trade_off

N, N_VALUES, N_PATTERNS, REPEATS = 1000, 3072, 40, 3
N_CLUSTERS, N_CLUSTERINGS = 20, 10


def rows(_: Options) -> Iterator[Row]:
    """Measure both sides."""
    x, y = (_images(seed) for seed in (0, 1))
    found: dict[str, Coverage] = {}
    ours, theirs = in_turn(
        REPEATS,
        lambda: _timed("ours", lambda: _ours(x, y), found),
        lambda: _timed("theirs", lambda: _theirs(x, y), found),
    )
    # Both draw the same centres, but for rounding.
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=0.02)
    what = f"precision and recall by clusters, 2 x {N:,} images of {N_VALUES:,} pixels"
    yield Row(what, ours["s"], theirs["s"], "s", theirs["s"] / ours["s"], "at least 4 times")


def _images(seed: int) -> Tensor:
    """Return images that are mixtures of a few patterns, with noise, in [0, 1]."""
    patterns = torch.randn(N_PATTERNS, N_VALUES, generator=generator(0, "benchmark", "patterns"))
    random = generator(seed, "benchmark", "images")
    mixed = torch.randn(N, N_PATTERNS, generator=random) * torch.linspace(1, 0.1, N_PATTERNS) @ patterns
    return torch.sigmoid(0.3 * mixed + 0.1 * torch.randn(N, N_VALUES, generator=random))


def _ours(x: Tensor, y: Tensor) -> Coverage:
    return precision_recall(x, y)


def _theirs(x: Tensor, y: Tensor) -> Coverage:
    pooled, random, curves = np.concatenate([x, y]), torch.Generator().manual_seed(0), []
    for _ in range(N_CLUSTERINGS):
        seed = int(torch.randint(2**31, (), generator=random))
        labels = torch.from_numpy(MiniBatchKMeans(N_CLUSTERS, n_init=10, random_state=seed).fit(pooled).labels_).long()
        shares = (torch.bincount(part, minlength=N_CLUSTERS).double() / N for part in torch.split(labels, N))
        curves.append(trade_off(*shares))
    precision, recall = (torch.stack(parts).mean(dim=0) for parts in zip(*curves, strict=True))
    return Coverage(best_f(precision, recall, beta=BETA), best_f(precision, recall, beta=1 / BETA))


def _timed(name: str, work: Callable[[], Coverage], found: dict[str, Coverage]) -> dict[str, float]:
    started = time.process_time()
    found[name] = work()
    return {"s": time.process_time() - started}
