"""What the seven scores share: needs, the observations that are drawn, and the factors that vary among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, VaehubError
from vaehub.plugins.ard.kernels import latent_relevance
from vaehub.plugins.disentanglement.codes import Codes
from vaehub.plugins.disentanglement.factors import VaryingFactors
from vaehub.plugins.disentanglement.groups import DistinctRows
from vaehub.plugins.disentanglement.params import LearnedParams, ScoreParams

S_co = TypeVar("S_co", bound=ScoreParams, covariant=True)
L_co = TypeVar("L_co", bound=LearnedParams, covariant=True)


class Score(ModelMetric[S_co]):
    """A score of latents against the factors that vary.

    Attributes:
        n_varying: Least number of factors that have to vary.
        n_needed: Least number of observations in the split.
    """

    n_varying: ClassVar[int] = 1
    n_needed: ClassVar[int] = 2

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            factors=True,
            variances=self.params.needs_variances,
            derivatives=self.params.latents == "relevant",
            observations=self.n_needed,
            instead={
                "factors": "'sprites' and 'scenes' have some, and are drawn here",
                "variances": "'-s metric.latents=all' and '-s metric.representation=mean' work for all",
            },
        )

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse latents that the model does not have, unknown factors, and too few that vary."""
        latents, latent_dim = self.params.latents, model.latent_dim
        if not isinstance(latents, str) and max(latents) >= latent_dim:
            raise VaehubError(
                f"metric {self.name!r} was asked for the latents {', '.join(map(str, latents))}, and the model has "
                f"{latent_dim}, counted from 0"
            )
        self.factors(self.observations(data).data)

    def observations(self, data: Dataset) -> Observations:
        """Return the observations among which factors have to vary."""
        return self.draw_observations(data)

    def factors(self, seen: Dataset) -> VaryingFactors:
        """Return the factors that are scored.

        Raises:
            DataError: If there are too few.
        """
        return VaryingFactors.of(self.name, seen, self.params, least=self.n_varying)

    def codes(self, model: LatentModel, seen: Observations, data: Dataset) -> Codes:
        """Return the codes of observations; relevance, where it chooses latents, is that of the whole split."""

        def relevance() -> Tensor:
            whole = self.draw_observations(data, "all").data
            return latent_relevance(model, whole, self.params.n_jacobian, self.generator("rows"))

        return Codes.of(model, self.encode(model, seen), self.params, relevance)


class LearnedScore(Score[L_co]):
    """A score for which something learns from some observations and is tested on others."""

    n_needed = 3

    def observations(self, data: Dataset) -> Observations:
        """Return the observations that are learned from."""
        return self.two_sets(data)[0]

    def two_sets(self, data: Dataset) -> tuple[Observations, Observations]:
        """Draw observations to learn from and others to test on; none is in both, and rows ascend.

        Where the split has too few for both, a third of it is tested on.
        """
        whole = data.split(self.params.split)
        there = len(whole)
        n_test = min(self.params.n_test, max(there - self.params.n_train, there // 3))
        n = min(self.params.n_train, there - n_test)
        order = torch.randperm(there, generator=self.generator("rows"))
        learned, tested = order[:n].sort().values, order[n : n + n_test].sort().values
        return Observations(learned, whole.subset(learned)), Observations(tested, whole.subset(tested))

    def sets(self, model: LatentModel, data: Dataset) -> TwoSets:
        """Return codes and classes of both sets; a factor that is constant where it would be learned is left out."""
        learned, tested = self.two_sets(data)
        rows = torch.cat([learned.rows, tested.rows])
        both = Observations(rows, data.split(self.params.split).subset(rows))
        factors, encoded = self.factors(learned.data), self.codes(model, both, data)
        codes = encoded.of_rows(slice(None), self.generator("noise"))
        return TwoSets(
            (codes[: learned.n], codes[learned.n :]),
            (factors.classes, factors.classes_of(tested.data)),
            encoded,
            factors,
        )


class GroupScore(Score[S_co]):
    """A score of groups of observations that share the value of one factor; two factors have to vary."""

    n_varying = 2

    def observations(self, data: Dataset) -> Observations:
        """Return the whole split, from which groups are drawn."""
        return self.draw_observations(data, "all")

    def encode_sets(self, model: LatentModel, data: Dataset, *sets: Tensor) -> tuple[Codes, tuple[Tensor, ...]]:
        """Return the codes of all observations in some sets, each encoded once, and where those of each set are."""
        distinct = DistinctRows.of(*sets)
        seen = Observations(distinct.rows, data.split(self.params.split).subset(distinct.rows))
        return self.codes(model, seen, data), distinct.places


@dataclass(frozen=True)
class TwoSets:
    """Observations to learn from, and others to test on.

    Attributes:
        codes: Of each set, shape ``(n, n_latents)``, float64.
        classes: Of the factors in each set, shape ``(n, n_factors)``.
        encoded: Both sets as encoded, with the numbers of the latents.
        factors: The factors that are scored.
    """

    codes: tuple[Tensor, Tensor]
    classes: tuple[Tensor, Tensor]
    encoded: Codes
    factors: VaryingFactors

    @property
    def counts(self) -> dict[str, float]:
        """How many observations, latents and factors there are, as scalars."""
        n_train, n_test = map(len, self.codes)
        return {
            "n_samples": n_train + n_test,
            "n_train": n_train,
            "n_test": n_test,
            **counts(self.encoded, self.factors),
        }


def counts(encoded: Codes, factors: VaryingFactors) -> dict[str, float]:
    """Return how many latents and factors are scored, as scalars."""
    return {"n_latents": len(encoded.latents), "n_factors": len(factors.names)}
