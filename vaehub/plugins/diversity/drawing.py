"""Which images of a dataset are compared."""

from collections.abc import Sequence
from typing import Literal

import torch

from vaehub import DataError, Dataset
from vaehub.plugins.diversity.kernels import Moments, interval
from vaehub.plugins.diversity.params import DrawnParams


def part_of(data: Dataset, part: str) -> Dataset:
    """Return a part of data, or all of data that have none."""
    return data.split(part) if data.splits else data


def check_enough(metric: str, part: Dataset, n_samples: int | Literal["all"]) -> None:
    """Refuse more images than there are, and fewer than make a pair."""
    if len(part) < 2:
        raise DataError(f"metric {metric!r} compares pairs, and there is {len(part)} image; it needs 2 at least")
    if n_samples != "all" and n_samples > len(part):
        raise DataError(
            f"metric {metric!r} was asked for {n_samples} images, and there are {len(part)}; "
            f"set '-s metric.n_samples={len(part)}' or less"
        )


def drawn(part: Dataset, n_samples: int | Literal["all"], generator: torch.Generator) -> Dataset:
    """Return images drawn without replacement."""
    rows = torch.randperm(len(part), generator=generator)
    return part.subset(rows if n_samples == "all" else rows[:n_samples])


def scalars(found: Moments, n: int, params: DrawnParams) -> dict[str, float]:
    """Return what both metrics report of their pairs."""
    ends: Sequence[float] = interval(found.resampled, params.confidence) if params.n_bootstrap else ()
    return {
        "n_images": n,
        "n_pairs": n * (n - 1) // 2,
        "diversity": found.mean,
        "diversity_variance": found.variance,
        **dict(zip(("diversity_low", "diversity_high"), ends, strict=False)),
    }
