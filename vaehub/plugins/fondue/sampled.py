"""The observations that the metrics of models here look at."""

from __future__ import annotations

import torch
from torch import Tensor

from vaehub import (
    EVALUATION_BATCH,
    DataError,
    Dataset,
    LatentModel,
    Posterior,
    VaehubError,
    WorkFailed,
    gaussian_sample,
)
from vaehub.plugins.fondue.params import SampledParams


def drawn(data: Dataset, params: SampledParams, random: torch.Generator) -> tuple[Dataset, Tensor]:
    """Return observations of a part, drawn without replacement, in order, and their rows in that part."""
    part = data.split(params.part)
    rows = part.draw_rows(params.n_samples, random)
    return part.subset(rows), rows


def check_drawn(metric: str, params: SampledParams, data: Dataset) -> None:
    """Refuse data without the part, or with fewer than two observations in it.

    Raises:
        DataError: In either case.
    """
    n = len(data.split(params.part))
    if n < 2:
        raise DataError(
            f"metric {metric!r} compares observations, and the split {params.part!r} has {n}; take more data"
        )


def check_samples(metric: str, params: SampledParams, model: LatentModel, data: Dataset) -> None:
    """Refuse a model without posterior variances.

    Raises:
        VaehubError: If it has none.
    """
    if model.encode_all(data.split(params.part).first(1)).logvar is None:
        raise VaehubError(f"metric {metric!r} needs a model with posterior variances, and this one has none; 'vae' has")


def check_decodes(metric: str, model: LatentModel) -> None:
    """Refuse a model without a decoder.

    Raises:
        VaehubError: If it has none.
    """
    if not model.decodes:
        raise VaehubError(f"metric {metric!r} needs a model with a decoder, and this one has none; 'vae' has")


def reconstructed(model: LatentModel, data: Dataset, noise: torch.Generator | None) -> Tensor:
    """Return the mean of p(x|z) for each observation, on the CPU, shape of the observations.

    Args:
        model: In evaluation mode.
        data: The observations.
        noise: Source of one draw of z for each, on the model's device; ``None`` decodes posterior means.

    Raises:
        WorkFailed: If the model gives NaN or infinite values.
    """
    return decoded(model, codes(model.encode_all(data), noise))


def codes(posterior: Posterior, noise: torch.Generator | None) -> Tensor:
    """Return posterior means; or one draw from each posterior, if there is noise and it has variances."""
    if noise is None or posterior.logvar is None:
        return posterior.mu
    return gaussian_sample(posterior.mu, posterior.logvar, noise)


@torch.no_grad()
def decoded(model: LatentModel, z: Tensor) -> Tensor:
    """Return the mean of p(x|z) for each latent vector, on the CPU, shape of the observations.

    Raises:
        WorkFailed: If the model gives NaN or infinite values.
    """
    made = torch.cat([model.decode(chunk).cpu() for chunk in torch.split(z, EVALUATION_BATCH)])
    check_finite("reconstructions", made)
    return made


def check_finite(what: str, values: Tensor) -> None:
    """Refuse what a model gives if it is NaN or infinite.

    Raises:
        WorkFailed: If any of it is.
    """
    if not bool(values.isfinite().all()):
        raise WorkFailed(f"the model gives NaN or infinite {what}; nothing can be said of it")
