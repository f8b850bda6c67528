"""Mathematics of the standard VAE."""

import math

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays


@accepts_arrays
def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the divergence of each posterior from a standard normal prior.

    Kingma & Welling 2014, Appendix B.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, shape ``(n, latent_dim)``.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``; zero where the posterior equals the prior.
    """
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(dim=1)


def capacity(step: int, maximum: float, steps: int) -> float:
    """Return the target of an annealed VAE's KL divergence.

    Burgess et al. 2018, Section 5: rises linearly from 0 to its maximum, and stays there.

    Args:
        step: Optimiser steps taken so far.
        maximum: Capacity at the end, in nats.
        steps: Steps after which the maximum is reached.
    """
    return min(maximum, maximum * step / steps)


@accepts_arrays
def total_correlation(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return an estimate of the total correlation of the aggregate posterior, from one batch.

    Chen et al. 2018, Section 3 and Appendix C.1 (minibatch-weighted sampling), without the constant
    ``(latent_dim - 1) log(N n)`` that depends on the sizes of data and batch: it has no gradient, and Locatello et al.
    2019 leave it out too. Values of batches of different sizes can therefore not be compared, and may be negative.

    Args:
        z: One draw from each posterior, shape ``(n, latent_dim)``.
        mu: Posterior means, same shape.
        logvar: Natural logarithm of the posterior variances, same shape.

    Returns:
        Estimate in nats, scalar.
    """
    difference = z[:, None] - mu[None]
    # Density of each draw under each posterior, latent by latent.
    log_density = -0.5 * (difference.square() * (-logvar).exp() + logvar + math.log(2 * math.pi))
    joint = log_density.sum(dim=2).logsumexp(dim=1)
    product = log_density.logsumexp(dim=1).sum(dim=1)
    return (joint - product).mean()


@accepts_arrays
def covariance_penalties(mu: Tensor, logvar: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the deviation of the latents' covariance from the identity, off the diagonal and on it.

    Kumar et al. 2018, Eqs. 6 and 7.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape: with it, the covariance is that of z
            (DIP-VAE-II); without it, that of the means (DIP-VAE-I).

    Returns:
        Sum of squares of the covariances off the diagonal, and of the variances minus 1; scalars.
    """
    centred = mu - mu.mean(dim=0)
    covariance = centred.mT @ centred / len(mu)
    variances = covariance.diagonal()
    off_diagonal = (covariance - variances.diag()).square().sum()
    if logvar is not None:
        variances = variances + logvar.exp().mean(dim=0)
    return off_diagonal, (variances - 1).square().sum()


@accepts_arrays
def permuted_latents(z: Tensor, generator: torch.Generator) -> Tensor:
    """Return draws from the product of the marginals of a sample: each latent permuted on its own.

    Kim & Mnih 2018, Algorithm 1.

    Args:
        z: Draws from the aggregate posterior, shape ``(n, latent_dim)``.
        generator: Draws the permutations, on the device of ``z``.

    Returns:
        The same values, each in its own column, shape ``(n, latent_dim)``; a single row is returned unchanged.
    """
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(dim=0)
    return z.gather(0, order)
