"""Mathematics of ARD-VAE (Saha, Joshi & Whitaker 2025)."""

import math

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays
from vaehub import n_relevant as n_relevant
from vaehub import relevance_weights as relevance_weights

MINIMUM_VARIANCE = 1e-10
"""A prior variance below this, of a latent that is constant, would make the divergence overflow."""


@accepts_arrays
def precision_posterior(z: Tensor, a0: float = 0.0, b0: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return the Gamma posterior over the precision of each latent, given codes.

    Saha et al. 2025, Section 3.2: the conjugate update for a Gaussian of known mean 0. With the default hyperprior,
    ``b / a`` is the mean of squares of each latent (not its variance: the codes are not centred).

    Args:
        z: Codes, shape ``(n, latent_dim)``.
        a0: Shape of the hyperprior.
        b0: Rate of the hyperprior.

    Returns:
        Shape ``a``, a scalar, and rate ``b``, shape ``(latent_dim,)``, both float64; the mean precision is ``a / b``.
    """
    squares = z.double().square().sum(dim=0)
    return torch.tensor(a0 + 0.5 * len(z), dtype=torch.float64, device=z.device), b0 + 0.5 * squares


@accepts_arrays
def kl_to_gaussian(mu: Tensor, logvar: Tensor, variance: Tensor) -> Tensor:
    """Return the divergence of each posterior from a Gaussian prior of mean 0.

    Saha et al. 2025, Eq. 17. The released code adds ``variance`` where the equation has its logarithm; gradients are
    the same, values are not. The logarithm is right.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, shape ``(n, latent_dim)``.
        variance: Prior variance of each latent, shape ``(latent_dim,)``; raised to at least 1e-10.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``; zero where the posterior equals the prior. In the
        dtype of the posterior, since this is a training loss.
    """
    variance = variance.clamp_min(MINIMUM_VARIANCE)
    return 0.5 * ((mu.square() + logvar.exp()) / variance + variance.log() - logvar - 1).sum(dim=1)


@accepts_arrays
def student_t_logpdf(z: Tensor, degrees: float, scale: Tensor) -> Tensor:
    """Return the log density of a centred Student t distribution.

    Saha et al. 2025, Eqs. 11 to 14: the prior of a latent once its precision is integrated out has ``2 a`` degrees of
    freedom and scale ``sqrt(b / a)``.

    Args:
        z: Points, shape ``(n, latent_dim)``.
        degrees: Degrees of freedom, above 0.
        scale: Scale of each latent, shape ``(latent_dim,)``.

    Returns:
        Log density in nats, shape ``(n, latent_dim)``.
    """
    # In double: the two terms agree to many digits where there are many degrees of freedom.
    constant = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(math.pi * degrees)
    return constant - scale.log() - 0.5 * (degrees + 1) * torch.log1p((z / scale).square() / degrees)


@accepts_arrays
def kl_to_student_t(logvar: Tensor, z: Tensor, degrees: float, scale: Tensor) -> Tensor:
    """Return an estimate of each posterior's divergence from a Student t prior, from one draw.

    Saha et al. 2025, Eq. 14. The entropy of the posterior is exact; only the cross term is estimated. The estimate is
    unbiased and may be negative.

    Args:
        logvar: Natural logarithm of the posterior variances, shape ``(n, latent_dim)``.
        z: One draw from each posterior, shape ``(n, latent_dim)``.
        degrees: Degrees of freedom of the prior.
        scale: Scale of the prior for each latent, shape ``(latent_dim,)``.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``.
    """
    entropy = 0.5 * (logvar + math.log(2 * math.pi) + 1)
    return (-entropy - student_t_logpdf(z, degrees, scale)).sum(dim=1)
