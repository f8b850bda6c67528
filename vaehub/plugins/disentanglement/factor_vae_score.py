"""FactorVAE's score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.codes import Codes
from vaehub.plugins.disentanglement.factors import VaryingFactors
from vaehub.plugins.disentanglement.groups import Groups, codes_of_groups
from vaehub.plugins.disentanglement.kernels import factor_vae_score, least_varying, varying_latents, vote_counts
from vaehub.plugins.disentanglement.params import FactorVaeScoreParams
from vaehub.plugins.disentanglement.score import GroupScore, counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANCE, VOTES, TEST_VOTES = range(3)
"""Sets of observations: those over which variances are taken, and groups to learn from and to be tested on."""


@final
class FactorVaeScore(GroupScore[FactorVaeScoreParams]):
    """The score of Kim & Mnih 2018, as Locatello et al. 2019 compute it."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and which latents groups of each factor vote for."""
        factors = self.factors(self.observations(data).data)
        sample = self.draw_observations(data, self.params.n_variance, ascending=False).rows
        learned, tested = (
            Groups.draw(factors.factors, n, 1, self.params.group_size, self.generator("groups", purpose))
            for n, purpose in ((self.params.n_votes, "train"), (self.params.n_test_votes, "test"))
        )
        sets = (sample, learned.rows[:, 0], tested.rows[:, 0])
        encoded, places = self.encode_sets(model, data, *sets)
        codes = encoded.of_rows(places[VARIANCE], self.generator("noise", "variance"))
        variance = codes.var(dim=0)
        kept = varying_latents(variance, self.params.threshold)
        votes = self._votes(encoded, places, VOTES, learned.held, variance, factors)
        test_votes = self._votes(encoded, places, TEST_VOTES, tested.held, variance, factors)
        return Result(
            scalars={
                "factor_vae_score": factor_vae_score(votes, test_votes),
                "train_accuracy": factor_vae_score(votes),
                "chance": 1 / len(factors.names),
                "n_kept": int(kept.sum()),
                "n_samples": len(encoded.mu),
                **counts(encoded, factors),
            },
            tables={
                "votes": encoded.table(factors.names, votes=votes.mT, test_votes=test_votes.mT),
                "latents": encoded.latent_table(variance=variance, is_kept=kept),
                "factors": factors.table(),
            },
        )

    def _votes(
        self,
        encoded: Codes,
        places: tuple[Tensor, ...],
        at: int,
        held: Tensor,
        variance: Tensor,
        factors: VaryingFactors,
    ) -> Tensor:
        latents = [
            least_varying(codes, variance, self.params.threshold)
            for codes in codes_of_groups(encoded, places[at], self.generator("noise", at))
        ]
        return vote_counts(torch.cat(latents), held, len(variance), len(factors.names))

    def plot(self, result: Result) -> Figure:
        """Return how many groups that hold each factor vote for each latent."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"FactorVAE score {result.scalars['factor_vae_score']:.3f}"
        return latents_by_factors(result, "votes", "votes", title, "votes", decimals=0)
