"""FactorVAE's score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.groups import EncodedGroups, Groups
from vaehub.plugins.disentanglement.kernels import factor_vae_score, least_varying, varying_latents, vote_counts
from vaehub.plugins.disentanglement.params import FactorVaeScoreParams
from vaehub.plugins.disentanglement.score import FactorScore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANCE, VOTES, TEST_VOTES = range(3)
"""Sets of observations: those that estimate variances, groups to learn from, and groups to be tested on."""


@final
class FactorVaeScore(FactorScore[FactorVaeScoreParams]):
    """The score of Kim & Mnih 2018, as Locatello et al. 2019 compute it."""

    n_varying = 2

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and which latents groups of each factor vote for."""
        factors = self.factors(data)
        sample = self.draw_observations(data, self.params.n_variance, ascending=False).rows
        learned, tested = (
            Groups.drawn(factors.factors, n, 1, self.params.group_size, self.generator("groups", purpose))
            for n, purpose in ((self.params.n_votes, "train"), (self.params.n_test_votes, "test"))
        )
        sets = (sample, learned.rows[:, 0], tested.rows[:, 0])
        groups = EncodedGroups.of(sets, self.encoder(model, data))
        codes = groups.latents.codes(groups.places[VARIANCE], self.generator("noise", "variance"))
        variance = codes.var(dim=0)
        kept = varying_latents(variance, self.params.threshold)
        votes = self._votes(groups, VOTES, learned.held, variance, len(factors.names))
        test_votes = self._votes(groups, TEST_VOTES, tested.held, variance, len(factors.names))
        return Result(
            scalars={
                "factor_vae_score": factor_vae_score(votes, test_votes),
                "train_accuracy": factor_vae_score(votes),
                "chance": 1 / len(factors.names),
                "n_kept": int(kept.sum()),
                "n_latents": len(groups.latents.numbers),
                "n_factors": len(factors.names),
                "n_samples": len(groups.latents.mu),
            },
            tables={
                "votes": groups.latents.table(factors.names, votes=votes.mT, test_votes=test_votes.mT),
                "latents": groups.latents.latent_table(variance=variance, is_kept=kept),
                "factors": factors.table(),
            },
        )

    def _votes(self, groups: EncodedGroups, at: int, held: Tensor, variance: Tensor, n_factors: int) -> Tensor:
        latents = [
            least_varying(codes, variance, self.params.threshold)
            for codes in groups.codes(at, self.generator("noise", at))
        ]
        return vote_counts(torch.cat(latents), held, len(variance), n_factors)

    def plot(self, result: Result) -> Figure:
        """Return how many groups that hold each factor vote for each latent."""
        from vaehub.plugins.disentanglement.plots import factor_map

        title = f"FactorVAE score {result.scalars['factor_vae_score']:.3f}"
        return factor_map(result, "votes", "votes", title, "votes", decimals=0)
