"""Groups of observations that hold a factor, drawn and encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from vaehub import Dataset, Factors, LatentModel
from vaehub.plugins.disentanglement.encoded import Encoded
from vaehub.plugins.disentanglement.params import ScoreParams

VALUES_AT_ONCE = 2**20
"""Values of codes that are looked at together: bounds memory, and decides which noise a draw of z has."""


class Groups(NamedTuple):
    """Groups that hold a factor.

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
    """Observations of some groups, of which each is encoded once, however many groups it is in.

    Attributes:
        encoded: Those that occur.
        places: Where to find those of each set of rows, in the shape of the rows.
    """

    encoded: Encoded
    places: tuple[Tensor, ...]

    @classmethod
    def of(cls, model: LatentModel, part: Dataset, params: ScoreParams, sets: tuple[Tensor, ...]) -> Self:
        """Return the observations of some sets of rows of a part, encoded."""
        distinct, places = torch.unique(torch.cat([rows.flatten() for rows in sets]), return_inverse=True)
        split = torch.split(places, [rows.numel() for rows in sets])
        shaped = tuple(each.reshape(rows.shape) for each, rows in zip(split, sets, strict=True))
        return cls(Encoded.of(model, part.subset(distinct), params), shaped)

    def codes(self, at: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield codes of a set of rows, some groups at a time: rows ``(k, …)`` to ``(k, …, n_latents)``."""
        places, n_latents = self.places[at], len(self.encoded.latents)
        for some in torch.split(places, max(1, VALUES_AT_ONCE // (places[0].numel() * n_latents))):
            yield self.encoded.codes(some.flatten(), generator).reshape(*some.shape, n_latents)
