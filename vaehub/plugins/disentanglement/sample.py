"""Observations drawn for a score, encoded, with their factors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel
from vaehub.plugins.disentanglement.encoded import Encoded, check_encodes
from vaehub.plugins.disentanglement.params import ScoreParams
from vaehub.plugins.disentanglement.scored import Scored


@dataclass(frozen=True)
class Request:
    """What a score is asked of.

    Attributes:
        metric: Name of the metric.
        params: Its parameters.
        n: How many observations it wants, to learn from if others are for testing.
        n_test: How many others to test on.
        least: Factors that have to vary.
        generator: Returns a source of randomness for a purpose.
    """

    metric: str
    params: ScoreParams
    n: int
    n_test: int
    least: int
    generator: Callable[..., torch.Generator]

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data and models that cannot be scored.

        Raises:
            VaehubError: Says what would work.
        """
        check_encodes(self.metric, model, data, self.params)
        self.scored(data)

    def rows(self, data: Dataset) -> tuple[Tensor, ...]:
        """Draw rows of the part, ascending: one set, and a second that has none of the first if it is to be tested on.

        Where the part has too few for both, a third of it is tested on.

        Raises:
            DataError: If a set would be empty.
        """
        there = len(data.split(self.params.part))
        n_test = min(self.n_test, max(there - self.n, there // 3))
        n = min(self.n, there - n_test)
        if self.n_test and not (n and n_test):
            raise DataError(
                f"metric {self.metric!r} needs observations to learn from and others to be tested on, and the split "
                f"{self.params.part!r} has {there} in all; take more data"
            )
        order = torch.randperm(there, generator=self.generator("rows"))
        sets = (order[:n], order[n : n + n_test]) if self.n_test else (order[:n],)
        return tuple(rows.sort().values for rows in sets)

    def scored(self, data: Dataset) -> Scored:
        """Return the factors that vary in the first set.

        Raises:
            DataError: If they cannot be scored.
        """
        part = data.split(self.params.part)
        return Scored.of(self.metric, part.subset(self.rows(data)[0]), self.params, least=self.least)


@dataclass(frozen=True)
class Sample:
    """Sets of observations.

    Attributes:
        codes: Of each set, shape ``(n, n_latents)``, float64.
        classes: Factors of each set, shape ``(n, n_factors)``.
        scored: Which factors these are.
        encoded: Which latents these are.
    """

    codes: tuple[Tensor, ...]
    classes: tuple[Tensor, ...]
    scored: Scored
    encoded: Encoded

    @classmethod
    def drawn(cls, request: Request, model: LatentModel, data: Dataset) -> Self:
        """Return what a request wants.

        Raises:
            DataError: If it cannot be scored.
            WorkFailed: If the model gives what cannot.
        """
        part, sets, scored = data.split(request.params.part), request.rows(data), request.scored(data)
        chosen = part.subset(torch.cat(sets))
        encoded = Encoded.of(model, chosen, request.params)
        sizes = [len(rows) for rows in sets]
        codes = encoded.codes(slice(None), request.generator("noise"))
        classes = scored.classes_of(chosen)
        return cls(torch.split(codes, sizes), torch.split(classes, sizes), scored, encoded)

    @property
    def counts(self) -> dict[str, float]:
        """How many observations, latents and factors there are, as scalars."""
        names = ("n_samples",) if len(self.codes) == 1 else ("n_train", "n_test")
        return {
            **{name: len(codes) for name, codes in zip(names, self.codes, strict=True)},
            "n_latents": len(self.encoded.latents),
            "n_factors": len(self.scored.names),
        }
