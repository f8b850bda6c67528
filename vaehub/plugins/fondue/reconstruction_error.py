"""Error of reconstructions."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Result, Step
from vaehub.plugins.ard.kernels import is_relevant, latent_relevance
from vaehub.plugins.fondue.params import ReconstructionErrorParams
from vaehub.plugins.fondue.sampled import check_decodes, codes, decoded

OWN = "reconstruction"
"""Name of the term of a loss."""


@final
class ReconstructionError(ModelMetric):
    """Squared error of reconstructions: what elbows are looked for in. Unlike ``elbo``, it asks for no divergence.

    A model whose loss has a reconstruction term has that measured as well, with its own noise and in nats, as ``elbo``
    has it; unless latents are left out, for that term is of all.

    Saha, Joshi & Whitaker 2025, supplementary Table 10, compare the error with all and with relevant latents. Their
    released code leaves the others at their posterior means, without noise (``relevant_noise``); what a model loses
    without the others altogether is ``relevant``.
    """

    Params = ReconstructionErrorParams
    params: ReconstructionErrorParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without the part, and models without a decoder."""
        data.split(self.params.part)
        check_decodes("reconstruction_error", model)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the mean squared error of an observation and of one of its values, and the model's own term.

        Raises:
            WorkFailed: If reconstructions, or the relevance of a latent where it is asked for, are NaN or infinite.
        """
        part = data.split(self.params.part)
        noise = self.generator("noise", device=model.device) if self.params.z == "sampled" else None
        relevant = None if self.params.latents == "all" else self._relevant(model, part)
        centre = model.encode_all(part).mu.double().mean(dim=0) if self.params.latents == "relevant" else None
        squared = 0.0
        for start in range(0, len(part), EVALUATION_BATCH):
            some = part.subset(torch.arange(start, min(start + EVALUATION_BATCH, len(part))))
            posterior = model.encode_all(some)
            z = codes(posterior, noise)
            if relevant is not None:
                z = torch.where(relevant, z, posterior.mu if centre is None else centre.to(z))
            squared += float((decoded(model, z).double() - some.x.cpu()).square().sum())
        squared /= len(part)
        scalars = {"squared_error": squared, "mse": squared / data.spec.n_values, "n": len(part)}
        if relevant is None:
            return Result({**scalars, **self._own(model, part)})
        return Result({**scalars, "n_relevant": int(relevant.sum())}, {"relevant": relevant.double()})

    def _relevant(self, model: LatentModel, part: Dataset) -> Tensor:
        scores = latent_relevance(model, part, self.params.n_jacobian, self.generator("jacobian"))
        return is_relevant(scores, self.params.explained).to(model.device)

    @torch.no_grad()
    def _own(self, model: LatentModel, part: Dataset) -> dict[str, float]:
        step = Step(index=0, epoch=0, generator=self.generator("loss", device=model.device))
        total = 0.0
        for batch in part.to(model.device).batches(EVALUATION_BATCH):
            losses = model.loss(batch, step)
            if OWN not in losses.terms:
                return {}
            total += (float(losses.terms[OWN]) + losses.omitted) * len(batch)
        return {OWN: total / len(part)}
