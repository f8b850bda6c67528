"""Which factor moves which latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, Factors, LatentModel, ModelMetric, Result, Table, Vector
from vaehub.plugins.latent_response.groups import asked_factors, check_groups, groups_of
from vaehub.plugins.latent_response.kernels import (
    causal_completeness,
    causal_disentanglement,
    group_response,
    self_responses,
)
from vaehub.plugins.latent_response.params import ConditionedMatrixParams
from vaehub.plugins.latent_response.subject import (
    causal_latents,
    check_observations,
    check_responds,
    codes_at_once,
    codes_of,
    posteriors_at,
    responding,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class ConditionedResponseMatrix(ModelMetric):
    """How each latent responds while one factor varies: Leeb et al. 2021, Section 4.1.1, Eqs. 6, 7 and 13.

    Interventions stay among observations that agree in all factors but one, so that what a latent responds to is that
    factor. The released code takes posterior means, averages the roots of groups, and does not rescale scores.
    """

    Params = ConditionedMatrixParams
    params: ConditionedMatrixParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models that cannot respond, data without factors, and factors of which there are no groups."""
        check_responds("conditioned_response_matrix", model, data)
        check_observations("conditioned_response_matrix", data, self.params.part)
        check_groups(data.split(self.params.part), self.params)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the matrix and its scores."""
        part = data.split(self.params.part)
        assert part.factors is not None, "check() refused it"
        asked = asked_factors(part.factors, self.params.factors)
        matrix = torch.stack([self._row(model, part, part.factors, factor) for factor in asked])
        is_kept = self._kept(model, part)
        kept = matrix[:, is_kept]
        names = [part.factors.names[factor] for factor in asked]
        latents = range(model.latent_dim)
        return Result(
            scalars={
                **_scores(kept),
                "n_factors": len(asked),
                "n_latents": kept.shape[1],
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

    def _row(self, model: LatentModel, part: Dataset, factors: Factors, factor: int) -> Tensor:
        """Return the responses of each latent while one factor varies, shape ``(latent_dim,)``."""
        params, name = self.params, factors.names[factor]
        groups = groups_of(factors, factor, complete=params.complete)
        members, others = groups.interventions(
            params.n_groups, params.n_interventions, model.latent_dim, self.generator("groups", name)
        )
        seen, places = torch.unique(torch.cat([members[:, None], others], dim=1), return_inverse=True)
        posterior, noise = model.encode_all(part.subset(seen)).checked(), self.generator("noise", name)
        z = codes_of(posteriors_at(posterior, places[:, 0]), noise, use_mean=params.use_mean)
        v = codes_of(posteriors_at(posterior, places[:, 1:]), noise, use_mean=params.use_mean)
        with responding(model, f"responses to {name}", len(z) * (1 + model.latent_dim)) as respond:
            squares = self_responses(respond, z, v, codes_at_once(part.spec))
        return group_response(squares.reshape(params.n_groups, params.n_interventions, -1), params.group_reduction)

    def _kept(self, model: LatentModel, part: Dataset) -> Tensor:
        """Return the latents that scores are of, shape ``(latent_dim,)``."""
        if not self.params.causal_only:
            return torch.ones(model.latent_dim, dtype=torch.bool)
        rows = part.draw_rows(self.params.n_samples, self.generator("rows"))
        posterior = model.encode_all(part.subset(rows)).checked()
        z = codes_of(posterior, self.generator("noise"), use_mean=self.params.use_mean)
        return causal_latents(
            model, z, self.generator("replacements"), self.params.causal_threshold, codes_at_once(part.spec)
        )

    def plot(self, result: Result) -> Figure:
        """Return the matrix, factors down and latents across."""
        from vaehub.plugins.latent_response.pictures import conditioned

        return conditioned(result)


def _scores(kept: Tensor) -> dict[str, float]:
    """Return both scores, rescaled and as they are; ``nan`` where no latent is kept."""
    scores = {"causal_disentanglement_score": causal_disentanglement, "causal_completeness_score": causal_completeness}
    if not kept.shape[1]:
        return {f"{name}{end}": float("nan") for name in scores for end in ("", "_raw")}
    found = {name: score(kept) for name, score in scores.items()}
    return found | {f"{name}_raw": score(kept, rescaled=False) for name, score in scores.items()}
