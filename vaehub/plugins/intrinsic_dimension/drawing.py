"""Which observations of a dataset are looked at, and their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from vaehub import DataError, Dataset
from vaehub.plugins.intrinsic_dimension.neighbours import Neighbours, nearest
from vaehub.plugins.intrinsic_dimension.params import DrawnParams


def part_of(data: Dataset, part: str) -> Dataset:
    """Return a part of data, or all of data that have none."""
    return data.split(part) if data.splits else data


def check_enough(metric: str, params: DrawnParams, data: Dataset, k: int) -> None:
    """Refuse no more observations than neighbours."""
    n = len(part_of(data, params.part))
    if min(n, _wanted(params, n)) <= k:
        raise DataError(
            f"metric {metric!r} looks at {k} neighbours of each observation and needs {k + 1} at least: the split "
            f"{params.part!r} has {n}, and n_samples is {params.n_samples}; give more, or ask for fewer neighbours"
        )


def check_different(metric: str, params: DrawnParams, data: Dataset) -> None:
    """Refuse copies of one observation: at no distance there is no ratio of distances."""
    part = part_of(data, params.part)
    if part.is_constant():
        raise DataError(
            f"metric {metric!r} needs observations that differ, and all {len(part)} of the split {params.part!r} are "
            "copies of one; give other data"
        )


def drawn(data: Dataset, params: DrawnParams, generator: torch.Generator) -> tuple[Tensor, Dataset]:
    """Return which observations of the part are drawn, ascending, and themselves."""
    part = part_of(data, params.part)
    rows = part.draw_rows(_wanted(params, len(part)), generator)
    return rows, part.subset(rows)


def neighbours_of(metric: str, params: DrawnParams, x: Tensor, k: int) -> Neighbours:
    """Return the neighbours of observations.

    Raises:
        DataError: If more than the share that may be are copies, or too few are different.
    """
    try:
        table = nearest(x, k)
    except DataError as error:
        raise DataError(f"metric {metric!r} cannot be asked of these data: {error}") from error
    if table.n_duplicates > params.max_duplicates * len(x):
        raise DataError(
            f"metric {metric!r} got {table.n_duplicates} exact copies among {len(x)} observations, more than the share "
            f"of {params.max_duplicates:g} that may be; raise 'max_duplicates' if the {len(table.rows)} left are enough"
        )
    return table


def counts(table: Neighbours) -> dict[str, float]:
    """Return how many observations an estimate is of, as scalars."""
    return {
        "n_observations": int(table.is_apart.sum()),
        "n_duplicates": table.n_duplicates,
        "n_too_near": int((~table.is_apart).sum()),
    }


def _wanted(params: DrawnParams, n: int) -> int:
    return n if params.n_samples == "all" else params.n_samples
