"""Groups of observations that agree in all factors but one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vaehub import DataError, Dataset, Factors
from vaehub.plugins.latent_response.params import ConditionedMatrixParams

MOST_CODES = 2**31
"""Numbers of combinations above which those that occur are counted anew, so that no code overflows."""


@dataclass(frozen=True)
class Groups:
    """Groups among which one factor varies and all others are held.

    Attributes:
        rows: Observations of all groups, one group after the other, shape ``(n,)``.
        starts: Where each group that can be used begins, shape ``(k,)``; none, if there is no such group.
        counts: How many observations it has, same shape.
        greatest: How many values of the factor the group with most has.
        wanted: How many it must have.
    """

    rows: Tensor
    starts: Tensor
    counts: Tensor
    greatest: int
    wanted: int

    def interventions(
        self, n_groups: int, n: int, latent_dim: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw groups, observations to intervene on, and rows of the same group to take each latent's value from.

        Groups are drawn with replacement. Within one, observations follow each other in a random order, which begins
        anew where there are fewer than interventions, so that each is there as often as any other, give or take one.
        Values come from the whole group, the observation itself included, as in Leeb et al. 2021, Eq. 6; from the
        others alone, responses would be greater by ``sqrt(n / (n - 1))`` in groups of n, and so differ by factor.

        Returns:
            Row numbers, shapes ``(n_groups * n,)`` and ``(n_groups * n, latent_dim)``.
        """
        chosen = torch.randint(len(self.starts), (n_groups,), generator=generator)
        starts, counts = self.starts[chosen], self.counts[chosen]
        places = torch.stack([_in_random_order(int(count), n, generator) for count in counts])
        share = torch.rand(n_groups, n, latent_dim, dtype=torch.float64, generator=generator)
        sources = (share * counts[:, None, None]).long().clamp_max(counts[:, None, None] - 1)
        members = self.rows[starts[:, None] + places]
        return members.flatten(), self.rows[starts[:, None, None] + sources].flatten(0, 1)


def _in_random_order(count: int, n: int, generator: torch.Generator) -> Tensor:
    rounds = [torch.randperm(count, generator=generator) for _ in range(-(-n // count))]
    return torch.cat(rounds)[:n]


def groups_of(factors: Factors, factor: int, *, complete: bool) -> Groups:
    """Return the groups in which one factor varies.

    Args:
        factors: Of all observations.
        factor: Position of the one that varies.
        complete: Whether every value that it takes anywhere must be in a group; otherwise two are enough.
    """
    classes = factors.classes.cpu()
    varying = torch.unique(classes[:, factor], return_inverse=True)[1]
    n_values = int(varying.max()) + 1
    held = _codes(classes, [other for other in range(classes.shape[1]) if other != factor])
    order = held.argsort(stable=True)
    counts = torch.bincount(held)
    n_distinct = torch.bincount(torch.unique(held * n_values + varying) // n_values)
    wanted = n_values if complete else 2
    is_enough = n_distinct >= wanted
    starts = counts.cumsum(0) - counts
    return Groups(order, starts[is_enough], counts[is_enough], int(n_distinct.max()), wanted)


def _codes(classes: Tensor, columns: Sequence[int]) -> Tensor:
    """Return a number for each combination of some columns that occurs, counted from 0, shape ``(n,)``."""
    codes = torch.zeros(len(classes), dtype=torch.int64)
    n_codes = 1
    for column in columns:
        size = int(classes[:, column].max()) + 1
        codes = codes * size + classes[:, column]
        n_codes *= size
        if n_codes > MOST_CODES:
            known, codes = torch.unique(codes, return_inverse=True)
            n_codes = len(known)
    found: Tensor = torch.unique(codes, return_inverse=True)[1]
    return found


def asked_factors(factors: Factors, names: Sequence[str]) -> list[int]:
    """Return the positions of the factors that are named, or of all that take at least two values."""
    if names:
        return [factors.index(name) for name in names]
    return [factor for factor in range(len(factors.names)) if _n_values(factors, factor) > 1]


def _n_values(factors: Factors, factor: int) -> int:
    return len(torch.unique(factors.classes[:, factor]))


def check_groups(metric: str, data: Dataset, params: ConditionedMatrixParams) -> None:
    """Refuse factors that do not vary, and those without groups.

    Raises:
        DataError: If so; says what would work.
    """
    assert data.factors is not None, "refused without"
    asked = asked_factors(data.factors, params.factors)
    for factor in asked:
        if _n_values(data.factors, factor) < 2:
            raise DataError(
                f"metric {metric!r} was asked for factor {data.factors.names[factor]!r}, which has one value in the "
                f"split {params.split!r}, so that nothing can respond to it; leave it out of 'metric.factors'"
            )
    if not asked:
        raise DataError(
            f"metric {metric!r} needs a factor that takes at least two values, and the split {params.split!r} has none"
        )
    for factor in asked:
        _check_enough(metric, data.factors, factor, params)


def _check_enough(metric: str, factors: Factors, factor: int, params: ConditionedMatrixParams) -> None:
    groups = groups_of(factors, factor, complete=params.complete)
    if len(groups.starts):
        return
    name, there = factors.names[factor], groups.greatest
    others = "'-s metric.complete=false' takes groups of two, and " if params.complete and there > 1 else ""
    raise DataError(
        f"metric {metric!r} needs {groups.wanted} observations with different values of {name!r} that share all other "
        f"factors, and in the split {params.split!r} there are at most {there}; {others}the whole data, without "
        "'data.subset', have most"
    )
