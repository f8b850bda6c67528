"""The evidence lower bound of a trained model."""

from typing import final

import torch

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Result, Step, VaehubError
from vaehub.plugins.rate_distortion.params import ElboParams

PARTS = ("reconstruction", "kl")


@final
class Elbo(ModelMetric):
    """The bound on log p(x) and its two terms, each a mean over observations, in nats.

    The terms are those of the model's own loss, unweighted: a beta does not enter, and the divergence is from the
    model's own prior. What a likelihood leaves out of its reconstruction term is added, so that a squared error counts
    as the density of a Gaussian of variance 1/2. Bounds of densities and of probabilities do not compare.
    """

    Params = ElboParams
    params: ElboParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without the part, and models whose loss does not name the two terms."""
        part = data.split(self.params.part)
        with torch.no_grad():
            found = model.eval().loss(part.batch(slice(0, 2)), self._step()).terms
        missing = [name for name in PARTS if name not in found]
        if missing:
            raise VaehubError(
                f"metric 'elbo' needs a model whose loss has the terms {' and '.join(PARTS)}, "
                f"and this one has {', '.join(found) or 'none'}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return ``elbo``, ``reconstruction`` (-log p(x|z)) and ``kl``."""
        part = data.split(self.params.part).to(model.device)
        step = self._step(model.device)
        sums = torch.zeros(2, dtype=torch.float64, device=model.device)
        for _ in range(self.params.n_samples):
            for batch in part.batches(EVALUATION_BATCH):
                losses = model.loss(batch, step)
                terms = torch.stack([losses.terms[name] for name in PARTS]).double()
                terms[0] += losses.omitted
                sums += terms * len(batch)
        reconstruction, kl = (sums / (len(part) * self.params.n_samples)).tolist()
        return Result(scalars={"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl})

    def _step(self, device: torch.device | str = "cpu") -> Step:
        return Step(index=0, epoch=0, generator=self.generator("noise", device=device))
