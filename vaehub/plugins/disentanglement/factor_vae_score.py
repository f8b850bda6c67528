"""FactorVAE's score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.encoded import check_encodes
from vaehub.plugins.disentanglement.held import EncodedGroups, Groups
from vaehub.plugins.disentanglement.kernels import factor_vae_score, least_varying, varying_latents, vote_counts
from vaehub.plugins.disentanglement.params import FactorVaeScoreParams
from vaehub.plugins.disentanglement.scored import Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANCE, VOTES, TEST_VOTES = range(3)
"""Sets of observations: those that variances are of, and groups to learn from and to be tested on."""


@final
class FactorVaeScore(ModelMetric):
    """The score of Kim & Mnih 2018, as Locatello et al. 2019 compute it."""

    Params = FactorVaeScoreParams
    params: FactorVaeScoreParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without two factors that vary, too few observations, and what the model has not."""
        check_encodes("factor_vae_score", model, data, self.params)
        self._scored(data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and which latents groups of each factor vote for."""
        part, scored = data.split(self.params.part), self._scored(data)
        sample = torch.randperm(len(part), generator=self.generator("rows"))[: self.params.n_variance]
        learned, tested = (
            Groups.drawn(scored.factors, n, 1, self.params.group_size, self.generator("groups", purpose))
            for n, purpose in ((self.params.n_votes, "train"), (self.params.n_test_votes, "test"))
        )
        sets = (sample, learned.rows[:, 0], tested.rows[:, 0])
        groups = EncodedGroups.of(model, part, self.params, sets)
        codes = groups.encoded.codes(groups.places[VARIANCE], self.generator("noise", "variance"))
        variance = codes.var(dim=0)
        kept = varying_latents(variance, self.params.threshold)
        votes = self._votes(groups, VOTES, learned.held, variance, len(scored.names))
        test_votes = self._votes(groups, TEST_VOTES, tested.held, variance, len(scored.names))
        return Result(
            scalars={
                "factor_vae_score": factor_vae_score(votes, test_votes),
                "train_accuracy": factor_vae_score(votes),
                "chance": 1 / len(scored.names),
                "n_kept": int(kept.sum()),
                "n_latents": len(groups.encoded.latents),
                "n_factors": len(scored.names),
                "n_encoded": len(groups.encoded.mu),
            },
            tables={
                "votes": groups.encoded.table(scored.names, votes=votes.mT, test_votes=test_votes.mT),
                "latents": groups.encoded.latent_table(variance=variance, is_kept=kept),
                "factors": scored.table(),
            },
        )

    def _votes(self, groups: EncodedGroups, at: int, held: Tensor, variance: Tensor, n_factors: int) -> Tensor:
        latents = [
            least_varying(codes, variance, self.params.threshold)
            for codes in groups.codes(at, self.generator("noise", at))
        ]
        return vote_counts(torch.cat(latents), held, len(variance), n_factors)

    def _scored(self, data: Dataset) -> Scored:
        return Scored.of("factor_vae_score", data.split(self.params.part), self.params, least=2)

    def plot(self, result: Result) -> Figure:
        """Return how many groups that hold each factor vote for each latent."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"FactorVAE score {result.scalars['factor_vae_score']:.3f}"
        return heat_map(result, "votes", "votes", title, "votes", decimals=0)
