"""Which observations a metric looks at, and what a model makes of them: one policy for all metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from vaehub.core.data.dataset import Dataset
from vaehub.core.data.size import advice_on_size
from vaehub.core.errors import DataError, WorkFailed
from vaehub.core.model import EVALUATION_BATCH, LatentModel, Posterior


@dataclass(frozen=True)
class Observations:
    """Observations of one split.

    Attributes:
        rows: Which they are, by their numbers in the split, shape ``(n,)``.
        data: Themselves, in the order of ``rows``.
    """

    rows: Tensor
    data: Dataset

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.rows)


@dataclass(frozen=True)
class Sample(Observations):
    """Observations as a model encodes them: float64, on the CPU.

    Attributes:
        posterior: q(z|x) of each; no mean or variance is NaN or infinite.
        noise: Returns the source of the draws ``z``, afresh at each call.
    """

    posterior: Posterior
    noise: Callable[[], torch.Generator] = field(repr=False)

    @property
    def mu(self) -> Tensor:
        """Posterior means, shape ``(n, latent_dim)``."""
        return self.posterior.mu

    @property
    def logvar(self) -> Tensor:
        """Natural logarithm of the posterior variances, for metrics whose needs name ``variances``."""
        assert self.posterior.logvar is not None, "needs = Needs(variances=True) refuses models without"
        return self.posterior.logvar

    @property
    def variance(self) -> Tensor:
        """Posterior variances, for metrics whose needs name ``variances``."""
        return self.logvar.exp()

    @cached_property
    def z(self) -> Tensor:
        """One draw from each posterior, always the same; the mean where an encoder is deterministic."""
        return self.posterior.sample(self.noise())


def rows_of(data: Dataset, split: str) -> Tensor:
    """Return the rows of a split; of data without splits, ``train`` is the whole, as it is for a training.

    Raises:
        DataError: If there is no such split.
    """
    if split == "all" or (split == "train" and not data.splits):
        return torch.arange(len(data))
    if split not in data.splits:
        there = ", ".join([*data.splits, "all"])
        raise DataError(f"there is no split {split!r} of these data, there is {there}")
    return data.splits[split]


def draw_observations(
    data: Dataset, split: str, n: int | Literal["all"], generator: torch.Generator, *, ascending: bool = True
) -> Observations:
    """Return observations of a split, drawn without replacement; all there are, if it has no more.

    Args:
        data: With its splits.
        split: Name of the split.
        n: How many.
        generator: Decides which.
        ascending: Sort them by row, else leave them in the order in which they were drawn.

    Raises:
        DataError: If there is no such split.
    """
    of_split = rows_of(data, split)
    n = len(of_split) if n == "all" else min(n, len(of_split))
    if ascending and n == len(of_split):
        rows = torch.arange(n)
        if n == len(data) and (split == "all" or not data.splits):
            return Observations(rows, data)  # a copy of the whole would take its memory again
    else:
        rows = torch.randperm(len(of_split), generator=generator)[:n]
        rows = rows.sort().values if ascending else rows
    return Observations(rows, data.subset(of_split[rows.to(of_split.device)]))


def encode(model: LatentModel, seen: Observations, noise: Callable[[], torch.Generator]) -> Sample:
    """Return observations as a model encodes them.

    Raises:
        WorkFailed: If a mean or variance is NaN or infinite; says how to scale the observations if they are large.
    """
    posterior = model.encode_all(seen.data)
    try:
        return Sample(seen.rows, seen.data, posterior.checked(), noise)
    except WorkFailed as error:
        advice = advice_on_size(seen.data.batch(slice(0, EVALUATION_BATCH)).x)
        if advice is None:
            raise
        raise WorkFailed(f"{error}; {advice}") from error
