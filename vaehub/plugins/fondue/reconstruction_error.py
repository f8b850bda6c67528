"""Error of reconstructions."""

from __future__ import annotations

from typing import final

import torch

from vaehub import EVALUATION_BATCH, Dataset, LatentModel, ModelMetric, Result, Step
from vaehub.plugins.fondue.params import ReconstructionErrorParams
from vaehub.plugins.fondue.sampled import check_decodes, reconstructed

OWN = "reconstruction"
"""Name of the term of a loss."""


@final
class ReconstructionError(ModelMetric):
    """Squared error of reconstructions: what elbows are looked for in. Unlike ``elbo``, it asks for no divergence.

    A model whose loss has a reconstruction term has that measured as well, with its own noise and in nats, as ``elbo``
    has it.
    """

    Params = ReconstructionErrorParams
    params: ReconstructionErrorParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse data without the part, and models without a decoder."""
        data.part(self.params.part)
        check_decodes("reconstruction_error", model)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the mean squared error of an observation and of one of its values, and the model's own term."""
        part = data.part(self.params.part)
        noise = self.generator("noise", device=model.device) if self.params.z == "sampled" else None
        squared = 0.0
        for start in range(0, len(part), EVALUATION_BATCH):
            some = part.subset(torch.arange(start, min(start + EVALUATION_BATCH, len(part))))
            squared += float((reconstructed(model, some, noise).double() - some.x.cpu()).square().sum())
        squared /= len(part)
        return Result(
            scalars={
                "squared_error": squared,
                "mse": squared / data.spec.n_values,
                "n": len(part),
                **self._own(model, part),
            }
        )

    @torch.no_grad()
    def _own(self, model: LatentModel, part: Dataset) -> dict[str, float]:
        step = Step(index=0, epoch=0, generator=self.generator("loss", device=model.device))
        total = 0.0
        for batch in part.to(model.device).batches(EVALUATION_BATCH):
            losses = model.loss(batch, step)
            if OWN not in losses.parts:
                return {}
            total += (float(losses.parts[OWN]) + losses.omitted) * len(batch)
        return {OWN: total / len(part)}
