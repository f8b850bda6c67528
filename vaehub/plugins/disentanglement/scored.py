"""Which factors are scored, and in which observations."""

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
class Scored:
    """The factors that are scored, of some observations.

    Attributes:
        factors: Those asked for that have two classes at least among the observations.
        levels: How many classes each factor asked for has among them, by name, those left out with 1.
    """

    factors: Factors
    levels: Mapping[str, int]

    @classmethod
    def of(cls, metric: str, part: Dataset, params: ScoreParams, *, least: int) -> Self:
        """Return what is scored of some observations.

        Args:
            metric: Who asks.
            part: The observations.
            params: What was asked for.
            least: Factors that have to vary.

        Raises:
            DataError: If there are no factors, not those asked for, too few that vary, or no more observations than
                the largest has classes.
        """
        known = part.factors
        if known is None or not known.names:
            raise DataError(
                f"metric {metric!r} needs data with known factors of variation, and these have none; 'sprites' and "
                "'scenes' have, and are drawn here"
            )
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
                f"metric {metric!r} needs {least} factors at least that vary, and there {_are(len(varying))} among "
                f"{len(part)} observations of the split {params.part!r}"
                + (f" (constant: {constant}); take other data" if constant else "; name more in '-s metric.factors=…'")
            )
        at = [known.index(name) for name in varying]
        sizes = tuple(known.sizes[each] for each in at)
        if len(part) <= max(sizes):
            raise DataError(
                f"metric {metric!r} needs more observations than a factor has classes, and got {len(part)} of the "
                f"split {params.part!r} where {varying[sizes.index(max(sizes))]!r} has {max(sizes)}; take more, or "
                "leave it out of '-s metric.factors=…'"
            )
        return cls(Factors(tuple(varying), sizes, classes[:, at]), levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors that are scored."""
        return self.factors.names

    def classes_of(self, data: Dataset) -> Tensor:
        """Return the classes that any observations have of the factors that are scored, shape ``(n, n_factors)``."""
        assert data.factors is not None, "of() refused it"
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
