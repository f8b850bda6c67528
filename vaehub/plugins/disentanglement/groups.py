"""Groups of observations that share the value of one factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from vaehub import Factors
from vaehub.plugins.disentanglement.codes import Codes

VALUES_AT_ONCE = 2**20
"""Codes that are computed together: bounds memory, and decides which noise a draw of z has."""


class Groups(NamedTuple):
    """Groups that hold a factor.

    Attributes:
        held: Position of the factor that each holds, shape ``(n_groups,)``.
        rows: Their observations, shape ``(n_groups, …)``.
    """

    held: Tensor
    rows: Tensor

    @classmethod
    def draw(cls, factors: Factors, n_groups: int, runs: int, length: int, generator: torch.Generator) -> Self:
        """Draw groups, each of a factor at random.

        Args:
            factors: What can be held.
            n_groups: How many groups.
            runs: Runs in each group, each of which holds the factor at a value of its own.
            length: Observations in each run.
            generator: Source of randomness.

        Returns:
            Groups with rows of shape ``(n_groups, runs, length)``.
        """
        held = torch.randint(len(factors.names), (n_groups,), generator=generator)
        rows = torch.empty(n_groups, runs, length, dtype=torch.int64)
        for factor in range(len(factors.names)):
            own = (held == factor).nonzero()[:, 0]
            drawn = factors.sharing(factor, length, len(own) * runs, generator)
            rows[own] = drawn.reshape(len(own), runs, length)
        return cls(held, rows)


@dataclass(frozen=True)
class DistinctRows:
    """The observations of several sets of rows, each only once, however many groups it is in.

    Attributes:
        rows: The distinct observations, ascending, shape ``(n,)``.
        places: For each set, the positions of its rows in ``rows``, in the shape of the set.
    """

    rows: Tensor
    places: tuple[Tensor, ...]

    @classmethod
    def of(cls, *sets: Tensor) -> Self:
        """Return the distinct rows of some sets."""
        distinct, places = torch.unique(torch.cat([rows.flatten() for rows in sets]), return_inverse=True)
        split = torch.split(places, [rows.numel() for rows in sets])
        return cls(distinct, tuple(each.reshape(rows.shape) for each, rows in zip(split, sets, strict=True)))


def codes_of_groups(codes: Codes, places: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the codes of groups, some groups at a time: places ``(k, …)`` to ``(k, …, n_latents)``."""
    n_latents = len(codes.latents)
    for some in torch.split(places, max(1, VALUES_AT_ONCE // (places[0].numel() * n_latents))):
        yield codes.of_rows(some.flatten(), generator).reshape(*some.shape, n_latents)
