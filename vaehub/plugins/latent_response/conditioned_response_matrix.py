"""Which factor moves which latents."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, Factors, LatentModel, ModelMetric, Needs, Posterior, Result, Table, Vector
from vaehub.plugins.latent_response.factor_lines import asked_factors, check_groups, groups_of
from vaehub.plugins.latent_response.kernels import (
    causal_completeness,
    causal_disentanglement,
    group_response,
    self_responses,
)
from vaehub.plugins.latent_response.params import ConditionedMatrixParams
from vaehub.plugins.latent_response.responses import (
    causal_latents,
    codes_at_once,
    posteriors_at,
    responding,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


@final
class ConditionedResponseMatrix(ModelMetric[ConditionedMatrixParams]):
    """How each latent responds while one factor varies: Leeb et al. 2021, Section 4.1.1, Eqs. 6, 7 and 13.

    Interventions stay among observations that agree in all factors but one, so that what a latent responds to is that
    factor. The released code takes posterior means, values from other members of the group, averages the roots of
    groups, and does not rescale scores.
    """

    needs = Needs(decoder=True, x_only=True, factors=True, observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse factors without groups in which they vary."""
        check_groups(self.name, self.draw_observations(data, "all").data, self.params)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the matrix and its scores."""
        split = self.draw_observations(data, "all").data
        assert split.factors is not None, "refused without"
        asked = asked_factors(split.factors, self.params.factors)
        self._say_left_out(split.factors, asked)
        matrix = torch.stack([self._row(model, split, split.factors, factor) for factor in asked])
        is_kept, n_samples = self._kept(model, data)
        kept = matrix[:, is_kept]
        names = [split.factors.names[factor] for factor in asked]
        latents = range(model.latent_dim)
        return Result(
            scalars={
                **_scores(kept),
                "n_factors": len(asked),
                "n_latents": kept.shape[1],
                "n_samples": n_samples,
            },
            vectors={
                "is_kept": Vector(is_kept),
                "factor_response": Vector(matrix.square().mean(dim=1).sqrt(), "factor", names),
            },
            tables={
                "conditioned_responses": Table(
                    {"factor": [name for name in names for _ in latents], "latent": [*latents] * len(names)},
                    {"response": matrix.flatten()},
                )
            },
            arrays={"matrix": matrix},
        )

    def _say_left_out(self, factors: Factors, asked: list[int]) -> None:
        left_out = [name for place, name in enumerate(factors.names) if place not in asked]
        if left_out and not self.params.factors:
            log.warning(
                "metric %r: nothing can respond to %s, without a second value in the split %r; left out",
                self.name,
                ", ".join(map(repr, left_out)),
                self.params.split,
            )

    def _row(self, model: LatentModel, split: Dataset, factors: Factors, factor: int) -> Tensor:
        """Return the responses of each latent while one factor varies, shape ``(latent_dim,)``."""
        params, name = self.params, factors.names[factor]
        groups = groups_of(factors, factor, complete=params.complete)
        members, sources = groups.interventions(
            params.n_groups, params.n_interventions, model.latent_dim, self.generator("groups", name)
        )
        seen, places = torch.unique(torch.cat([members[:, None], sources], dim=1), return_inverse=True)
        posterior, noise = model.encode_all(split.subset(seen)).checked(), self.generator("noise", name)
        z = self._codes(posteriors_at(posterior, places[:, 0]), noise)
        v = self._codes(posteriors_at(posterior, places[:, 1:]), noise)
        with responding(model, f"responses to {name}", len(z) * (1 + model.latent_dim)) as respond:
            squares = self_responses(respond, z, v, codes_at_once(split.spec))
        return group_response(squares.reshape(params.n_groups, params.n_interventions, -1), params.group_reduction)

    def _codes(self, posterior: Posterior, noise: torch.Generator) -> Tensor:
        return posterior.mu if self.params.use_mean else posterior.sample(noise)

    def _kept(self, model: LatentModel, data: Dataset) -> tuple[Tensor, int]:
        """Return the latents that enter the scores, shape ``(latent_dim,)``, and how many observations decided."""
        if not self.params.causal_only:
            return torch.ones(model.latent_dim, dtype=torch.bool), 0
        sample = self.draw(model, data)
        z = sample.mu if self.params.use_mean else sample.z
        replacements, at_once = self.generator("replacements"), codes_at_once(data.spec)
        return causal_latents(model, z, replacements, self.params.causal_threshold, at_once), sample.n

    def plot(self, result: Result) -> Figure:
        """Return the matrix, factors down and latents across."""
        from vaehub.plugins.latent_response.plots import conditioned

        return conditioned(result)


def _scores(kept: Tensor) -> dict[str, float]:
    """Return both scores, rescaled and as they are; ``nan`` where no latent is kept."""
    scores = {"causal_disentanglement_score": causal_disentanglement, "causal_completeness_score": causal_completeness}
    if not kept.shape[1]:
        return {f"{name}{end}": float("nan") for name in scores for end in ("", "_raw")}
    found = {name: score(kept) for name, score in scores.items()}
    return found | {f"{name}_raw": score(kept, rescaled=False) for name, score in scores.items()}
