"""Factors that are scored: those asked for that vary."""

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
    """Factors that are scored, of some observations.

    Attributes:
        factors: Those asked for that have two classes at least among the observations.
        levels: How many classes each factor asked for has among them, by name, those left out with 1.
    """

    factors: Factors
    levels: Mapping[str, int]

    @classmethod
    def of(cls, metric: str, data: Dataset, params: ScoreParams, *, least: int) -> Self:
        """Return the factors of some observations that are scored.

        Args:
            metric: Name of the metric.
            data: The observations.
            params: Its parameters.
            least: Number of factors that have to vary.

        Raises:
            DataError: If a factor is unknown, too few vary, or a factor has as many classes as there are observations.
        """
        known = data.factors
        assert known is not None, "needs = Needs(factors=True) refuses data without"
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
                f"metric {metric!r} needs at least {least} varying {'factor' if least == 1 else 'factors'}, and there "
                f"{_are(len(varying))} among {len(data)} observations of the split {params.split!r}"
                + (f" (constant: {constant}); take other data" if constant else "; name more in '-s metric.factors=…'")
            )
        at = [known.index(name) for name in varying]
        sizes = tuple(known.sizes[each] for each in at)
        if len(data) <= max(sizes):
            raise DataError(
                f"metric {metric!r} needs more observations than a factor has classes, and got {len(data)} of the "
                f"split {params.split!r} where {varying[sizes.index(max(sizes))]!r} has {max(sizes)}; take more, or "
                "leave it out of '-s metric.factors=…'"
            )
        return cls(Factors(tuple(varying), sizes, classes[:, at]), levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors that are scored."""
        return self.factors.names

    def classes_of(self, data: Dataset) -> Tensor:
        """Return the classes of the scored factors for any observations, shape ``(n, n_factors)``."""
        assert data.factors is not None, "needs = Needs(factors=True) refuses data without"
        return data.factors.classes.cpu()[:, [data.factors.index(name) for name in self.names]]

    def table(self, **columns: Tensor) -> Table:
        """Return a row for each factor asked for, NaN where it is constant and was left out.

        Args:
            columns: Named values of the scored factors, in their order, shape ``(n_factors,)``.
        """
        is_scored = torch.tensor([level > 1 for level in self.levels.values()])
        filled = {name: torch.full(is_scored.shape, torch.nan, dtype=torch.float64) for name in columns}
        for name, values in columns.items():
            filled[name][is_scored] = values.double().cpu()
        levels = torch.tensor(list(self.levels.values()))
        return Table({"factor": list(self.levels)}, {"n_levels": levels, "is_constant": levels < 2, **filled})


def _are(n: int) -> str:
    return "is 1" if n == 1 else f"are {n or 'none'}"
