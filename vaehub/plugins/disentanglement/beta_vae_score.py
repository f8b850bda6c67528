"""beta-VAE's score."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.disentanglement.encoded import check_encodes
from vaehub.plugins.disentanglement.held import EncodedGroups, Groups
from vaehub.plugins.disentanglement.kernels import beta_vae_score, mean_differences
from vaehub.plugins.disentanglement.params import BetaVaeScoreParams
from vaehub.plugins.disentanglement.scored import Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class BetaVaeScore(ModelMetric):
    """The score of Higgins et al. 2017, as Locatello et al. 2019 compute it."""

    Params = BetaVaeScoreParams
    params: BetaVaeScoreParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without two factors that vary, too few observations, and what the model has not."""
        check_encodes("beta_vae_score", model, data, self.params)
        self._scored(data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the score, and how far pairs that hold each factor are apart in each latent."""
        part, scored = data.split(self.params.part), self._scored(data)
        learned, tested = (
            Groups.drawn(scored.factors, n, self.params.n_pairs, 2, self.generator("groups", purpose))
            for n, purpose in ((self.params.n_train, "train"), (self.params.n_test, "test"))
        )
        groups = EncodedGroups.of(model, part, self.params, (learned.rows, tested.rows))
        differences, test_differences = (
            torch.cat([mean_differences(codes) for codes in groups.codes(at, self.generator("noise", at))])
            for at in range(2)
        )
        found = beta_vae_score(differences, learned.held, test_differences, tested.held, max_iter=self.params.max_iter)
        by_factor = [differences[learned.held == factor].mean(dim=0) for factor in range(len(scored.names))]
        return Result(
            scalars={
                "beta_vae_score": found.accuracy,
                "train_accuracy": found.train_accuracy,
                "converged": found.converged,
                "chance": 1 / len(scored.names),
                "n_latents": len(groups.encoded.latents),
                "n_factors": len(scored.names),
                "n_encoded": len(groups.encoded.mu),
            },
            tables={
                "differences": groups.encoded.table(scored.names, mean_difference=torch.stack(by_factor, dim=1)),
                "factors": scored.table(),
            },
        )

    def _scored(self, data: Dataset) -> Scored:
        return Scored.of("beta_vae_score", data.split(self.params.part), self.params, least=2)

    def plot(self, result: Result) -> Figure:
        """Return how far pairs that hold each factor are apart in each latent."""
        from vaehub.plugins.disentanglement.pictures import heat_map

        title = f"beta-VAE score {result.scalars['beta_vae_score']:.3f}"
        return heat_map(result, "differences", "mean_difference", title, "mean difference of pairs")
