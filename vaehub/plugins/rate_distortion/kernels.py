"""Mathematics of rate and distortion: how far a posterior is from the prior, alone and on average over the data."""

import math
from typing import Literal

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

PAIRS_AT_ONCE = 2**22
"""Pairs of a draw and a posterior whose densities are held together; bounds memory, changes no result."""


@accepts_arrays
def kl_between_gaussians(mu: Tensor, logvar: Tensor, prior_mu: Tensor, prior_logvar: Tensor) -> Tensor:
    """Return the divergence of each posterior from its prior: the rate of each observation.

    Kingma & Welling 2014, Appendix B, for a prior of any mean and variance.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape.
        prior_mu: Means of the prior, same shape or one row.
        prior_logvar: Natural logarithm of its variances, same shape or one row.

    Returns:
        Divergence in nats, summed over latents, shape ``(n,)``; zero where the posterior equals the prior.
    """
    ratio = logvar - prior_logvar
    return 0.5 * (ratio.exp() - ratio - 1 + (mu - prior_mu).square() * (-prior_logvar).exp()).sum(dim=1)


@accepts_arrays
def gaussian_log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the log density of each draw under the Gaussian of its own row.

    Args:
        z: Draws, shape ``(n, latent_dim)``.
        mu: Means, same shape or one row.
        logvar: Natural logarithm of the variances, same shape or one row.

    Returns:
        Log density in nats, summed over latents, shape ``(n,)``.
    """
    return -0.5 * ((z - mu).square() * (-logvar).exp() + logvar + math.log(2 * math.pi)).sum(dim=1)


@accepts_arrays
def aggregate_log_density(
    z: Tensor,
    mu: Tensor,
    logvar: Tensor,
    n: int | None = None,
    estimator: Literal["stratified", "weighted"] = "stratified",
) -> Tensor:
    """Return an estimate of log q(z) at draws from posteriors, with q(z) the average of q(z|x) over n observations.

    Chen et al. 2018, Appendix C, from a batch of M of the n observations, with all constants. A draw's own observation
    is always in the batch, which the weights must make up for:

    - ``stratified``: 1/n for its own posterior and (n-1) / (n (M-1)) for each other one. Its mean over all batches is
      q(z), and with M = n it is q(z) itself. Appendix C.2 reaches the same with a random one of the others as the
      exception.
    - ``weighted``: 1/(n M) for all (Appendix C.1). Its logarithm is below log q(z) on average, by up to log n: with
      M = n by exactly that, and nearly so whenever posteriors overlap.

    Args:
        z: One draw from each posterior of the batch, shape ``(M, latent_dim)``.
        mu: Posterior means, same shape.
        logvar: Natural logarithm of the posterior variances, same shape.
        n: Observations that q(z) is the average over; the batch is all of them if not given.
        estimator: Which weights.

    Returns:
        Log density in nats, float64, shape ``(M,)``; at least ``log q(z_i|x_i) - log n`` if stratified. ``nan`` for a
        stratified batch of one of several observations, which knows nothing of the others.
    """
    z, mu, logvar = z.double(), mu.double(), logvar.double()
    m = len(z)
    n = m if n is None else n
    own, other = _log_weights(m, n, estimator)
    # A square of differences is expanded to matrix products: less is lost where values are near 0.
    centre = mu.mean(dim=0)
    z, mu, precision = z - centre, mu - centre, (-logvar).exp()
    constant = (mu.square() * precision + logvar + math.log(2 * math.pi)).sum(dim=1)
    itself = gaussian_log_density(z, mu, logvar)
    found = []
    for rows in torch.split(torch.arange(m, device=z.device), max(1, PAIRS_AT_ONCE // m)):
        some = z[rows]
        log_density = some @ (mu * precision).mT - 0.5 * (some.square() @ precision.mT + constant) + other
        log_density[torch.arange(len(rows), device=z.device), rows] = itself[rows] + own
        found.append(log_density.logsumexp(dim=1))
    return torch.cat(found)


@accepts_arrays
def density_controls(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return two functions of each draw whose mean over draws is 0, and which log q(z|x) - log q(z) resembles.

    They are the log densities of z under its own posterior and under the Gaussian with the mean and the covariance of
    the aggregate q(z), each less its expectation over q(z|x), which is known. Where that covariance has no inverse, its
    pseudoinverse is taken, for which the second mean is 0 as well.

    Args:
        z: One draw from each posterior, shape ``(n, latent_dim)``.
        mu: Posterior means, same shape.
        logvar: Natural logarithm of the posterior variances, same shape.

    Returns:
        Differences in nats, float64, shape ``(n, 2)``.
    """
    z, mu, logvar = z.double(), mu.double(), logvar.double()
    own = -0.5 * ((z - mu).square() * (-logvar).exp() - 1).sum(dim=1)
    centre = mu.mean(dim=0)
    z, mu, variance = z - centre, mu - centre, logvar.exp()
    covariance = variance.mean(dim=0).diag() + mu.mT @ mu / len(mu)
    deviation = covariance.diagonal().sqrt()
    scale = torch.where(deviation > 0, deviation, 1.0)
    precision = (
        torch.linalg.pinv(covariance / scale / scale[:, None], rtol=1e-10, hermitian=True) / scale / scale[:, None]
    )
    distance, centre_distance = (((each @ precision) * each).sum(dim=1) for each in (z, mu))
    expected = centre_distance + variance @ precision.diagonal()
    return torch.stack([own, -0.5 * (distance - expected)], dim=1)


@accepts_arrays
def without_controls(values: Tensor, controls: Tensor) -> Tensor:
    """Return values less what control variates explain of them, by the coefficients of least squares.

    The mean keeps its expectation but for the fitting of as many coefficients as there are controls, which adds a share
    of ``1 / n`` of the noise for each.

    Args:
        values: Shape ``(n,)``.
        controls: Functions of the same draws with an expectation of 0, shape ``(n, k)``.

    Returns:
        Values, shape ``(n,)``; as they were where they are constant.
    """
    centred = controls - controls.mean(dim=0)
    scale = centred.square().mean(dim=0).sqrt()
    unit = centred / torch.where(scale > 0, scale, 1.0)
    # Controls are the same where all posteriors are the prior, so that the matrix of their products has no inverse.
    inverse = torch.linalg.pinv(unit.mT @ unit, rtol=1e-10, hermitian=True)
    coefficients: Tensor = inverse @ (unit.mT @ (values - values.mean()))
    return values - controls @ (coefficients / torch.where(scale > 0, scale, 1.0))


def _log_weights(m: int, n: int, estimator: str) -> tuple[float, float]:
    """Return the logarithm of the weights of a draw's own posterior and of each other one in the batch."""
    if estimator == "weighted":
        return -math.log(n * m), -math.log(n * m)
    if m == 1:
        return (0.0 if n == 1 else math.nan), 0.0
    return -math.log(n), math.log((n - 1) / (n * (m - 1)))
