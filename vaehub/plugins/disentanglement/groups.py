"""Groups of observations that share the class of a factor, drawn and encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from vaehub import Factors
from vaehub.plugins.disentanglement.latents import Latents

VALUES_AT_ONCE = 2**20
"""Values of codes computed at once: bounds memory, and decides which noise a draw of z has."""


class Groups(NamedTuple):
    """Groups whose observations share the class of a factor.

    Attributes:
        held: Position of the factor that each holds, shape ``(n_groups,)``.
        rows: Their observations, shape ``(n_groups, …)``.
    """

    held: Tensor
    rows: Tensor

    @classmethod
    def drawn(cls, factors: Factors, n_groups: int, runs: int, length: int, generator: torch.Generator) -> Self:
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
class EncodedGroups:
    """Observations of some groups, each encoded once, however many groups it is in.

    Attributes:
        latents: Latents of the distinct observations.
        places: Positions among these of each set of rows, in the shape of the rows.
    """

    latents: Latents
    places: tuple[Tensor, ...]

    @classmethod
    def of(cls, sets: tuple[Tensor, ...], encode: Callable[[Tensor], Latents]) -> Self:
        """Return some sets of rows, encoded.

        Args:
            sets: Rows, of any shape each.
            encode: Returns the latents of distinct rows ``(n,)``.
        """
        distinct, places = torch.unique(torch.cat([rows.flatten() for rows in sets]), return_inverse=True)
        by_set = torch.split(places, [rows.numel() for rows in sets])
        shaped = tuple(each.reshape(rows.shape) for each, rows in zip(by_set, sets, strict=True))
        return cls(encode(distinct), shaped)

    def codes(self, at: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield codes of a set of rows, some groups at a time: rows ``(k, …)`` to ``(k, …, n_latents)``."""
        places, n_latents = self.places[at], len(self.latents.numbers)
        for some in torch.split(places, max(1, VALUES_AT_ONCE // (places[0].numel() * n_latents))):
            yield self.latents.codes(some.flatten(), generator).reshape(*some.shape, n_latents)
