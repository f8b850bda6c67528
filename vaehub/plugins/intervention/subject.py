"""What interventions are made on: observations with their posteriors, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, DataError, Dataset, LatentModel, VaehubError
from vaehub.analysis import smallest_ssim_side
from vaehub.plugins.intervention.kernels import Error, squared_error
from vaehub.plugins.intervention.params import SampledParams
from vaehub.plugins.intervention.ssim import structural_error

ERRORS: dict[str, Error] = {"mse": squared_error, "ssim": structural_error}
"""What the parameter ``error`` names."""


@dataclass(frozen=True)
class Subject:
    """Some observations and their posteriors.

    Attributes:
        data: The observations.
        mu: Posterior means, shape ``(n, latent_dim)``, on the model's device.
        sigma: Posterior standard deviations, same shape.
    """

    data: Dataset
    mu: Tensor
    sigma: Tensor

    @classmethod
    def drawn(cls, model: LatentModel, data: Dataset, params: SampledParams, random: torch.Generator) -> Self:
        """Return observations drawn without replacement, encoded."""
        part = data.split(params.part)
        chosen = part.subset(torch.randperm(len(part), generator=random)[: params.n_samples])
        posterior = model.encode_all(chosen)
        assert posterior.logvar is not None, "check() refused it"
        return cls(chosen, posterior.mu, (0.5 * posterior.logvar).exp())

    def noise(self, random: torch.Generator) -> Tensor:
        """Return standard normal noise in the shape of the means; the generator is on their device."""
        return torch.randn(self.mu.shape, generator=random, device=self.mu.device)

    def batches(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield rows and their observations, on the device of the means."""
        for start in range(0, len(self.mu), EVALUATION_BATCH):
            at = slice(start, start + EVALUATION_BATCH)
            yield at, self.data.batch(at).x.to(self.mu.device)


def check_samples(metric: str, params: SampledParams, model: LatentModel, data: Dataset) -> None:
    """Refuse too few observations, and models without a decoder or a posterior variance."""
    part = data.split(params.part)
    if params.n_samples > len(part):
        raise DataError(
            f"metric {metric!r} averages over {params.n_samples} observations, and the split {params.part!r} has "
            f"{len(part)}; set '-s metric.n_samples={len(part)}' or less"
        )
    if not model.decodes or model.encode_all(part.first(1)).logvar is None:
        raise VaehubError(
            f"metric {metric!r} needs a model that samples its latents and decodes them, and this one does not; "
            "'vae' does"
        )


def check_structural(metric: str, data: Dataset, *, instead: str) -> None:
    """Refuse observations that structural similarity is not defined for.

    Args:
        metric: Who asks.
        data: The observations.
        instead: What would work, as the end of the sentence.
    """
    shape, side = data.spec.shape, smallest_ssim_side("windowed")
    if len(shape) != 3 or min(shape[1:]) < side or not data.spec.in_unit_interval:
        values = "in [0, 1]" if data.spec.in_unit_interval else "outside [0, 1]"
        raise DataError(
            f"metric {metric!r} was asked for structural similarity, which needs images of {side}x{side} at least with "
            f"values in [0, 1], and these observations have shape {shape} and values {values}; {instead}"
        )
