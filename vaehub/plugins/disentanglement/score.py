"""Bases of the scores: what they need, and the observations that they draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Observations
from vaehub.plugins.disentanglement.factors import VaryingFactors
from vaehub.plugins.disentanglement.latents import Latents, check_latents
from vaehub.plugins.disentanglement.params import LearnedParams, ScoreParams

S_co = TypeVar("S_co", bound=ScoreParams, covariant=True)
L_co = TypeVar("L_co", bound=LearnedParams, covariant=True)


@dataclass(frozen=True)
class ScoreSample:
    """Sets of observations, encoded, with their factors.

    Attributes:
        codes: Of each set, shape ``(n, n_latents)``, float64.
        classes: Factors of each set, shape ``(n, n_factors)``.
        factors: The factors that are scored.
        latents: The latents that are scored.
    """

    codes: tuple[Tensor, ...]
    classes: tuple[Tensor, ...]
    factors: VaryingFactors
    latents: Latents

    @property
    def counts(self) -> dict[str, float]:
        """Numbers of observations, latents and factors, as scalars."""
        sizes = [len(codes) for codes in self.codes]
        by_set = dict(zip(("n_train", "n_test"), sizes, strict=True)) if len(sizes) > 1 else {}
        return {
            "n_samples": sum(sizes),
            **by_set,
            "n_latents": len(self.latents.numbers),
            "n_factors": len(self.factors.names),
        }


class FactorScore(ModelMetric[S_co]):
    """A score of some latents and factors of one set of observations."""

    n_varying: ClassVar[int] = 1
    """Factors that have to vary."""

    @property
    def needs(self) -> Needs:
        """What the measurement needs: variances for types of latents and for draws."""
        return Needs(
            factors=True,
            variances=self.params.needs_variances,
            instead={"variances": "ask for '-s metric.latents=all' of '-s metric.representation=mean'"},
        )

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse unknown latents and factors, factors that do not vary, and too few observations."""
        check_latents(self.name, model, data, self.params)
        self.factors(data)

    def sets(self, data: Dataset) -> tuple[Observations, ...]:
        """Return the observations that are drawn."""
        return (self.draw_observations(data),)

    def factors(self, data: Dataset) -> VaryingFactors:
        """Return the factors that vary in the first set.

        Raises:
            DataError: If they cannot be scored.
        """
        return VaryingFactors.of(self.name, self.sets(data)[0].data, self.params, least=self.n_varying)

    def sample(self, model: LatentModel, data: Dataset) -> ScoreSample:
        """Return the sets, encoded: means, or one draw for each observation.

        Raises:
            WorkFailed: If the model gives NaN or infinite values, or no latent has the type asked for.
        """
        sets, factors = self.sets(data), self.factors(data)
        rows, sizes = torch.cat([each.rows for each in sets]), [each.n for each in sets]
        latents = self.encoder(model, data)(rows)
        codes = latents.codes(slice(None), self.generator("noise"))
        classes = tuple(factors.classes_of(each.data) for each in sets)
        return ScoreSample(torch.split(codes, sizes), classes, factors, latents)

    def encoder(self, model: LatentModel, data: Dataset) -> Callable[[Tensor], Latents]:
        """Return a function that returns the latents of rows of the split."""
        whole = self.draw_observations(data, "all").data

        def encode(rows: Tensor) -> Latents:
            return Latents.of(model, self.encode(model, Observations(rows, whole.subset(rows))), self.params)

        return encode


class LearnedScore(FactorScore[L_co]):
    """A score whose predictors learn from one set of observations and are tested on another."""

    def sets(self, data: Dataset) -> tuple[Observations, ...]:
        """Return two disjoint sets, ascending; where the split has too few for both, a third of it is tested on.

        Raises:
            DataError: If a set would be empty.
        """
        drawn = self.draw_observations(data, "all", ascending=False)
        n_test = min(self.params.n_test, max(drawn.n - self.params.n_train, drawn.n // 3))
        n_train = min(self.params.n_train, drawn.n - n_test)
        if not (n_train and n_test):
            raise DataError(
                f"metric {self.name!r} needs observations to learn from and others to be tested on, and the split "
                f"{self.params.split!r} has {drawn.n} in all; take more data"
            )
        orders = drawn.rows.argsort()  # of each row of the split, where it was drawn
        train, test = (drawn.rows[some].sort().values for some in (slice(n_train), slice(n_train, n_train + n_test)))
        return tuple(Observations(rows, drawn.data.subset(orders[rows])) for rows in (train, test))
