"""Errors of sketches relative to exact alignment, by size and by true value: ``python -m benchmarks.sketch_errors``.

48 representations of 2,000 observations, with 1 to 2,048 columns: latents of one, two and ten columns, layers that are
functions of them, and both with more or less noise. All pairs, with five seeds.
"""

from itertools import pairwise

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from vaehub import generator
from vaehub.plugins.similarity.kernels import cka_matrix, cka_sketch

N, SEEDS = 2000, 5
SIZES = (1024, 4096, 16384, 65536)
BOUNDS = (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)


def main() -> None:
    """Print the mean, 99 % and greatest error, the signed mean error, and mean errors by true value."""
    representations = _representations()
    exact = cka_matrix(representations)
    above = torch.triu_indices(len(representations), len(representations), 1).unbind()
    true = exact[above]
    between = [f"{low:g} to {high:g}" for low, high in pairwise(BOUNDS)]
    table = Table("size", "mean", "99 %", "greatest", "in standard errors", "with sign", *between)
    for size in SIZES:
        errors = torch.stack([_aligned(representations, size, seed)[above] - true for seed in range(SEEDS)])
        magnitudes = errors.abs()
        by_value = [magnitudes[:, (true >= low) & (true <= high)].mean() for low, high in pairwise(BOUNDS)]
        standard = magnitudes / ((1 - true**2).clamp_min(0.02) / size**0.5)
        shown = [magnitudes.mean(), magnitudes.flatten().quantile(0.99), magnitudes.max()]
        table.add_row(
            f"{size:,}",
            *(f"{each:.4f}" for each in shown),
            f"{standard.max():.1f}",
            f"{errors.mean():+.4f}",
            *(f"{each:.4f}" for each in by_value),
        )
    counts = [int(((true >= low) & (true <= high)).sum()) for low, high in pairwise(BOUNDS)]
    table.add_row("pairs", *[""] * 5, *map(str, counts))
    Console(width=140).print(table)


def _aligned(representations: list[torch.Tensor], size: int, seed: int) -> torch.Tensor:
    sketches = torch.stack([cka_sketch(x, size, generator(seed, "sketch")) for x in representations]).double()
    return sketches @ sketches.mT


def _representations() -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(N, 10))
    found = []
    for width in (1, 2, 10, 64, 512, 2048):
        for noise in (0.0, 0.1, 0.3, 1.0):
            of_all = latents @ rng.normal(size=(10, width)) / 10**0.5
            of_few = latents[:, :3] @ rng.normal(size=(3, width)) / 3**0.5
            for signal in (np.tanh(of_all), np.maximum(of_few, 0)):
                found.append(torch.from_numpy(signal + noise * rng.normal(size=(N, width))))
    return found


main()
