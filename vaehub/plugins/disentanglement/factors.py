"""The factors that vary among some observations, which are those that are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import DataError, Dataset, Factors, Table
from vaehub.plugins.disentanglement.kernels import n_levels
from vaehub.plugins.disentanglement.params import ScoreParams


@dataclass(frozen=True)
class VaryingFactors:
    """The factors that are scored, with their classes in some observations.

    Attributes:
        factors: Those asked for that have at least two classes among the observations.
        levels: How many classes each factor asked for has among them, by name, those left out with 1.
    """

    factors: Factors
    levels: Mapping[str, int]

    @classmethod
    def of(cls, metric: str, seen: Dataset, params: ScoreParams, *, least: int) -> Self:
        """Return the factors that are scored.

        Args:
            metric: Name of the metric.
            seen: The observations, with factors.
            params: What was asked for.
            least: Factors that have to vary.

        Raises:
            DataError: If a factor is unknown, too few vary, or there are no more observations than the largest factor
                has classes.
        """
        known = seen.factors
        assert known is not None, "refused without"
        unknown = [name for name in params.factors if name not in known.names]
        if unknown:
            raise DataError(
                f"metric {metric!r} was asked for the factors {', '.join(map(repr, unknown))}, and these data have "
                f"{', '.join(known.names)}"
            )
        names = list(dict.fromkeys(params.factors)) or list(known.names)
        classes = known.classes.cpu()
        counts = n_levels(classes[:, [known.index(name) for name in names]]).tolist()
        levels = dict(zip(names, counts, strict=True))
        varying = [name for name in names if levels[name] > 1]
        if len(varying) < least:
            constant = ", ".join(repr(name) for name in names if levels[name] < 2)
            raise DataError(
                f"metric {metric!r} needs at least {least} factors that vary, and there {_are(len(varying))} among "
                f"{len(seen)} observations of the split {params.split!r}"
                + (f" (constant: {constant}); take other data" if constant else "; name more in '-s metric.factors=…'")
            )
        at = [known.index(name) for name in varying]
        sizes = tuple(known.sizes[each] for each in at)
        if len(seen) <= max(sizes):
            raise DataError(
                f"metric {metric!r} needs more observations than a factor has classes, and got {len(seen)} of the "
                f"split {params.split!r} where {varying[sizes.index(max(sizes))]!r} has {max(sizes)}; take more, or "
                "leave it out of '-s metric.factors=…'"
            )
        return cls(Factors(tuple(varying), sizes, classes[:, at]), levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors that are scored."""
        return self.factors.names

    @property
    def classes(self) -> Tensor:
        """Classes that the observations have of the factors that are scored, shape ``(n, n_factors)``."""
        return self.factors.classes

    def classes_of(self, data: Dataset) -> Tensor:
        """Return the classes that any observations have of the factors that are scored, shape ``(n, n_factors)``."""
        assert data.factors is not None, "refused without"
        return data.factors.classes.cpu()[:, [data.factors.index(name) for name in self.names]]

    def table(self, **columns: Tensor) -> Table:
        """Return what is known of each factor asked for, NaN where it is constant and was left out.

        Args:
            columns: Named values of those that are scored, in their order, shape ``(n_factors,)``.
        """
        is_scored = torch.tensor([level > 1 for level in self.levels.values()])
        filled = {name: torch.full(is_scored.shape, torch.nan, dtype=torch.float64) for name in columns}
        for name, values in columns.items():
            filled[name][is_scored] = values.double().cpu()
        levels = torch.tensor(list(self.levels.values()))
        return Table({"factor": list(self.levels)}, {"n_levels": levels, "is_constant": levels < 2, **filled})


def _are(n: int) -> str:
    return "is 1" if n == 1 else f"are {n or 'none'}"
