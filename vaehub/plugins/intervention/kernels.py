"""Errors of decoded samples, and what each latent contributes to them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub import accepts_arrays

Decode = Callable[[Tensor], Tensor]

DECODED_AT_ONCE = 8192
"""Latent vectors that are decoded together; bounds memory, changes no result."""
NO_CONTRIBUTION = 1e-8
"""Share of the sample's error below which the error that sampling adds counts as none, so that ratios are undefined."""


class Contributions(NamedTuple):
    """Errors averaged over observations, and what follows from them.

    Attributes:
        sample_error: Of decoded samples, scalar.
        mean_error: Of decoded means, scalar.
        intervention_error: Of decoded samples with one latent at its mean, shape ``(latent_dim,)``.
        base: What sampling adds: the first less the second, scalar.
        contributions: What sampling one latent adds: the first less the third, shape ``(latent_dim,)``.
        ratios: Contributions over the base, shape ``(latent_dim,)``; ``nan`` where sampling adds nothing.
    """

    sample_error: Tensor
    mean_error: Tensor
    intervention_error: Tensor
    base: Tensor
    contributions: Tensor
    ratios: Tensor


@accepts_arrays
def contribution_ratios(
    decode: Decode, mu: Tensor, sigma: Tensor, eps: Tensor, x: Tensor, intervention_eps: Tensor | None = None
) -> Contributions:
    """Return what each latent contributes to the error that sampling adds to a reconstruction.

    Müller et al. 2025, Section 2.4: for each observation, ``z = mu + sigma eps`` is decoded as it is, at its mean, and
    with one latent after the other set to its mean. Errors are averaged over observations before ratios are taken,
    which is what reproduces the published table; so does one sample for all interventions on an observation.

    Args:
        decode: From latents ``(k, latent_dim)`` to observations ``(k, *shape)``.
        mu: Posterior means, shape ``(n, latent_dim)``.
        sigma: Posterior standard deviations, same shape.
        eps: Standard normal noise, same shape.
        x: Observations, shape ``(n, *shape)``.
        intervention_eps: Noise of its own for each intervention, shape ``(n, latent_dim, latent_dim)``, the second axis
            being the latent that is set.
    """
    errors = intervention_errors(decode, mu, sigma, eps, x, intervention_eps).mean(dim=0)
    return from_errors(errors)


@accepts_arrays
def intervention_errors(
    decode: Decode, mu: Tensor, sigma: Tensor, eps: Tensor, x: Tensor, intervention_eps: Tensor | None = None
) -> Tensor:
    """Return the squared errors, averaged over values, of each observation's sample, mean and interventions.

    Müller et al. 2025, Section 2.4. Arguments are those of :func:`contribution_ratios`.

    Returns:
        Errors in squared data units, float64, shape ``(n, 2 + latent_dim)``: sample, mean, and each intervention.
    """
    n, latent_dim = mu.shape
    size = max(1, DECODED_AT_ONCE // (latent_dim + 2))
    chunks = []
    for start in range(0, n, size):
        at = slice(start, start + size)
        own = None if intervention_eps is None else intervention_eps[at]
        z = _variants(mu[at], sigma[at], eps[at], own)
        decoded = decode(z.flatten(0, 1)).reshape(*z.shape[:2], -1)
        chunks.append((decoded - x[at].flatten(1)[:, None]).double().square().mean(dim=2))
    return torch.cat(chunks)


@accepts_arrays
def from_errors(errors: Tensor) -> Contributions:
    """Return contributions and ratios from errors: of samples, of means, and of each intervention.

    Müller et al. 2025, Section 2.4.

    Args:
        errors: Means over observations, shape ``(2 + latent_dim,)``.
    """
    sample, mean, intervened = errors[0], errors[1], errors[2:]
    base, contributions = sample - mean, sample - intervened
    # A posterior without variance adds nothing, so 0 / 0 does occur.
    ratios = torch.where(base.abs() > NO_CONTRIBUTION * sample, contributions / base, torch.nan)
    return Contributions(sample, mean, intervened, base, contributions, ratios)


def _variants(mu: Tensor, sigma: Tensor, eps: Tensor, intervention_eps: Tensor | None) -> Tensor:
    """Return sample, mean, and samples with one latent at its mean, shape ``(n, 2 + latent_dim, latent_dim)``."""
    latent_dim = mu.shape[1]
    z = mu + sigma * eps
    samples = z[:, None] if intervention_eps is None else mu[:, None] + sigma[:, None] * intervention_eps
    is_set = torch.eye(latent_dim, dtype=torch.bool, device=mu.device)
    intervened = torch.where(is_set, mu[:, None], samples)
    return torch.cat([z[:, None], mu[:, None], intervened], dim=1)
