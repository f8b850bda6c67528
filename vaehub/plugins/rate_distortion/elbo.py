"""The evidence lower bound of a trained model."""

import math
from typing import final

import torch

from vaehub import (
    EVALUATION_BATCH,
    Dataset,
    LatentModel,
    Losses,
    ModelMetric,
    Needs,
    Result,
    Step,
    VaehubError,
    WorkFailed,
)
from vaehub.analysis import in_double
from vaehub.plugins.rate_distortion.params import ElboParams

TERMS = ("reconstruction", "kl")


@final
class Elbo(ModelMetric[ElboParams]):
    """The bound on log p(x) and its two terms, each a mean over observations, in nats.

    The terms are those of the model's own loss, unweighted: a beta does not enter, and the divergence is from the
    model's own prior. What a likelihood leaves out of its reconstruction term is added, so that a squared error counts
    as the density of a Gaussian of variance 1/2. With it the term is the distortion; ``reconstruction`` is the name of
    what a loss has. Bounds of densities and of probabilities do not compare.
    """

    needs = Needs(decoder=True)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models whose loss does not name the two terms."""
        some = self.draw_observations(data, 2).data.to(model.device)
        with torch.no_grad():
            losses: object = model.eval().loss(some.batch(slice(0, 2)), self._step(model.device))
        if not isinstance(losses, Losses):
            raise VaehubError(
                f"'loss' of model class {type(model).__name__!r} returned a {type(losses).__name__}, and returns "
                "vaehub.Losses(total, terms)"
            )
        found = losses.terms
        missing = [name for name in TERMS if name not in found]
        if missing:
            raise VaehubError(
                f"metric {self.name!r} needs a model whose loss has the terms {' and '.join(TERMS)}, "
                f"and this one has {', '.join(found) or 'none'}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return ``elbo``, ``distortion`` (-log p(x|z), as in ``rate_distortion``) and ``kl``."""
        split = self.draw_observations(data, "all").data.to(model.device)
        step = self._step(model.device)
        sums = in_double(torch.zeros(2, device=model.device))
        for _ in range(self.params.n_samples):
            for batch in split.batches(EVALUATION_BATCH):
                losses = model.loss(batch, step)
                terms = in_double(torch.stack([losses.terms[name] for name in TERMS]))
                terms[0] += losses.omitted
                sums += terms * len(batch)
        distortion, kl = (sums / (len(split) * self.params.n_samples)).tolist()
        elbo = -(distortion + kl)
        if not math.isfinite(elbo):
            raise WorkFailed(
                f"the bound is {elbo}, with a distortion of {distortion} and a divergence of {kl}: the "
                "model gives NaN or infinite values"
            )
        return Result(scalars={"elbo": elbo, "distortion": distortion, "kl": kl, "n_samples": len(split)})

    def _step(self, device: torch.device) -> Step:
        return Step(index=0, epoch=0, generator=self.generator("noise", device=device))
