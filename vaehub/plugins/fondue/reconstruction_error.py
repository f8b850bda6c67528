"""Error of reconstructions."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Needs, Result, Step
from vaehub.analysis import Derivatives, decode
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.fondue.params import ReconstructionErrorParams

TERM, OWN = "reconstruction", "distortion"
"""Name of the term of a loss, and of its value here, which has the constant that losses leave out."""


@final
class ReconstructionError(ModelMetric[ReconstructionErrorParams]):
    """Squared error of reconstructions, whose elbow is looked for. Unlike ``elbo``, it needs no divergence.

    Counts are compared at the library size that a model's means are given at.

    The reconstruction term of the model's loss, if it has one, is measured as well, with its own noise and in nats: the
    ``distortion``, as in ``elbo``; unless latents are left out, since that term uses all of them.

    Saha, Joshi & Whitaker 2025, supplementary Table 10, have the error with relevant latents for ARD-VAE, and with all
    for most others. Their released code leaves the rest at their posterior means, without noise (``relevant_noise``);
    ``relevant`` measures what a model loses without the rest altogether.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(decoder=True, derivatives=self.params.latents != "all")

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the mean squared error of an observation and of one of its values, and the model's own term.

        Raises:
            WorkFailed: If reconstructions, or the relevance of a latent where it is asked for, are NaN or infinite.
        """
        sample = self.draw(model, data)
        z = sample.z if self.params.z == "sampled" else sample.mu
        derivatives = Derivatives(model.decode)
        relevant = None if self.params.latents == "all" else self._relevant(model, sample.data, derivatives)
        if relevant is not None:
            others = sample.mu if self.params.latents == "relevant_noise" else sample.mu.mean(dim=0)
            z = torch.where(relevant, z, others)
        squared = 0.0
        for rows in torch.split(torch.arange(sample.n), EVALUATION_BATCH):
            made = decode(model, z[rows])
            x = model.comparable(sample.data.subset(rows).x).cpu()
            squared += float((made.double() - x).square().sum())
        squared /= sample.n
        scalars = {"squared_error": squared, "mse": squared / data.spec.n_values, "n_samples": sample.n}
        if relevant is None:
            return Result({**scalars, **self._own(model, sample.data)})
        counts = {**scalars, "n_relevant": int(relevant.sum())}
        return Result(counts, {"relevant": relevant.double()}, derivatives.tables())

    def _relevant(self, model: LatentModel, data: Dataset, derivatives: Derivatives) -> Tensor:
        scores = latent_relevance(model, data, self.params.n_jacobian, self.generator("rows"), derivatives)
        return is_relevant(scores, self.params.explained).cpu()

    @torch.no_grad()
    def _own(self, model: LatentModel, data: Dataset) -> dict[str, float]:
        step = Step(index=0, epoch=0, generator=self.generator("loss", device=model.device))
        total = 0.0
        for batch in data.to(model.device).batches(EVALUATION_BATCH):
            losses = model.loss(batch, step)
            if TERM not in losses.terms:
                return {}
            total += (float(losses.terms[TERM]) + losses.omitted) * len(batch)
        return {OWN: total / len(data)}
