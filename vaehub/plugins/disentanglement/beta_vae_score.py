"""beta-VAE's score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.disentanglement.groups import Groups, codes_of_groups
from vaehub.plugins.disentanglement.kernels import beta_vae_score, mean_differences
from vaehub.plugins.disentanglement.params import BetaVaeScoreParams
from vaehub.plugins.disentanglement.score import GroupScore, counts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class BetaVaeScore(GroupScore[BetaVaeScoreParams]):
    """The score of Higgins et al. 2017, as Locatello et al. 2019 compute it."""

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and how far pairs that hold each factor are apart in each latent."""
        factors = self.factors(self.observations(data).data)
        learned, tested = (
            Groups.draw(factors.factors, n, self.params.n_pairs, 2, self.generator("groups", purpose))
            for n, purpose in ((self.params.n_train, "train"), (self.params.n_test, "test"))
        )
        encoded, places = self.encode_sets(model, data, learned.rows, tested.rows)
        differences, test_differences = (
            torch.cat(
                [mean_differences(codes) for codes in codes_of_groups(encoded, each, self.generator("noise", at))]
            )
            for at, each in enumerate(places)
        )
        found = beta_vae_score(differences, learned.held, test_differences, tested.held, max_iter=self.params.max_iter)
        by_factor = [differences[learned.held == factor].mean(dim=0) for factor in range(len(factors.names))]
        return Result(
            scalars={
                "beta_vae_score": found.accuracy,
                "train_accuracy": found.train_accuracy,
                "converged": found.converged,
                "chance": 1 / len(factors.names),
                "n_samples": len(encoded.mu),
                **counts(encoded, factors),
            },
            tables={
                "differences": encoded.table(factors.names, mean_difference=torch.stack(by_factor, dim=1)),
                "factors": factors.table(),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return how far pairs that hold each factor are apart in each latent."""
        from vaehub.plugins.disentanglement.plots import latents_by_factors

        title = f"beta-VAE score {result.scalars['beta_vae_score']:.3f}"
        return latents_by_factors(result, "differences", "mean_difference", title, "mean difference of pairs")
