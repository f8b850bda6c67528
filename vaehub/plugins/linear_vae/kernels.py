"""Mathematics of the linear VAE: decoder N(W z + b, gamma I), prior N(0, I), linear posterior mean."""

import math

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays


@accepts_arrays
def ppca_solution(
    mean: Tensor, covariance: Tensor, latent_dim: int, gamma: float | None = None, beta: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the decoder that maximises the bound: weights, constant and variance.

    Tipping & Bishop 1999, Eqs. 7 and 8, as Lucas et al. 2019 have it for the linear VAE, with the rotation left out:
    columns are orthogonal, which a diagonal posterior needs. A weight of the divergence is added here: it
    takes ``beta * gamma`` for ``gamma`` in the posterior and so in ``W = U (Lambda - beta gamma I)_+^(1/2)``. With k
    latents kept, the best variance is the sum of the eigenvalues left out over ``m - beta k``; for beta 1 that is
    their mean.

    Args:
        mean: Of the observations, shape ``(m,)``.
        covariance: Of the observations, divided by their number and not by one less, shape ``(m, m)``.
        latent_dim: Number of latents, below ``m``.
        gamma: Variance of the decoder; ``None`` for the best one.
        beta: Weight of the divergence.

    Returns:
        Weights ``(m, latent_dim)``, their columns by falling length, 0 for a latent that is not worth its divergence
        and each with its greatest entry positive; constant ``(m,)``; variance, scalar. The variance is 0 where the
        covariance leaves nothing over: the bound then has no maximum, and grows as the variance falls.
    """
    return spectral_solution(mean, *leading_spectrum(covariance, latent_dim), gamma, beta)


def leading_spectrum(covariance: Tensor, latent_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the greatest eigenvalues of a covariance, their vectors, and the sum of all others.

    Args:
        covariance: Shape ``(m, m)``.
        latent_dim: How many.

    Returns:
        Eigenvalues ``(latent_dim,)``, falling and at least 0; vectors ``(m, latent_dim)``; sum of the others, scalar.
    """
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    eigenvalues = eigenvalues.clamp(min=0)
    # Smallest first, or the sum would lose them.
    rest = eigenvalues[: len(eigenvalues) - latent_dim].cumsum(0)[-1]
    return eigenvalues.flip(0)[:latent_dim], vectors.flip(1)[:, :latent_dim], rest


def spectral_solution(
    mean: Tensor, eigenvalues: Tensor, vectors: Tensor, rest: Tensor, gamma: float | None, beta: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what :func:`ppca_solution` does, of what :func:`leading_spectrum` gives.

    Args:
        mean: Of the observations, shape ``(m,)``.
        eigenvalues: The greatest, one for each latent, falling, shape ``(latent_dim,)``.
        vectors: Of length 1, shape ``(m, latent_dim)``.
        rest: Sum of the eigenvalues left out.
        gamma: Variance of the decoder; ``None`` for the best one.
        beta: Weight of the divergence.

    Returns:
        Weights, constant and variance.
    """
    best = _best_variance(eigenvalues, rest, len(mean), beta) if gamma is None else eigenvalues.new_tensor(gamma)
    weights = vectors * (eigenvalues - beta * best).clamp(min=0).sqrt()
    greatest = weights.gather(0, weights.abs().argmax(dim=0, keepdim=True))
    return torch.where(greatest < 0, -weights, weights), mean, best


def _best_variance(eigenvalues: Tensor, rest: Tensor, m: int, beta: float) -> Tensor:
    # In the precision of the eigenvalues: of whole numbers times a weight, torch would make single precision.
    n_kept = torch.arange(len(eigenvalues) + 1, dtype=eigenvalues.dtype, device=eigenvalues.device)
    # Of what is left out with so many kept. Smallest first, or the rest would be a difference of large numbers.
    left = torch.cat([rest[None], eigenvalues.flip(0)]).cumsum(0).flip(0)
    left = left.where(left > m * torch.finfo(left.dtype).eps * eigenvalues[0], 0)
    places = m - beta * n_kept
    if places[-1] > 0 and left[-1] == 0:
        return left[-1]
    # With its latents chosen best, the objective is a smooth function of the variance: its least value is at one of
    # the points where it would be level if so many were kept, and elsewhere they can only lie higher.
    candidates = (left / places)[(places > 0) & (left > 0)]
    if len(candidates) == 0:
        return torch.zeros_like(left[-1])
    threshold = beta * candidates[:, None]
    ratio = eigenvalues / threshold
    terms = torch.where(ratio > 1, ratio.clamp(min=1).log() + 1, ratio).sum(dim=1) + rest / threshold[:, 0]
    return candidates[(m * candidates.log() + beta * terms).argmin()]


@accepts_arrays
def linear_posterior(weights: Tensor, gamma: float | Tensor, beta: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return the best posterior of a decoder: the encoder's weights, and a full covariance that all x share.

    Bonheme 2023, Eqs. 4.24 and 4.23: ``(W'W + beta gamma I)^-1 W'`` and ``(W'W / (beta gamma) + I)^-1``. The mean of
    an observation is the former times ``x - b``; it is the best one for a diagonal covariance too.

    Args:
        weights: Of the decoder, shape ``(m, n)``.
        gamma: Variance of the decoder, scalar, above 0.
        beta: Weight of the divergence.

    Returns:
        Encoder's weights ``(n, m)``, with a row of 0 for a column of 0; covariance ``(n, n)``.
    """
    noise = beta * gamma
    identity = torch.eye(weights.shape[1], dtype=weights.dtype, device=weights.device)
    inverse = torch.linalg.inv(weights.mT @ weights + noise * identity)
    return inverse @ weights.mT, noise * inverse


@accepts_arrays
def diagonal_variance(weights: Tensor, gamma: float | Tensor, beta: float = 1.0) -> Tensor:
    """Return the best variance of each latent, if the posterior's covariance is to be diagonal.

    Bonheme 2023, Eq. 4.11, with ``beta gamma`` for ``gamma``; Lucas et al. 2019: ``1 / ((W'W)_jj / (beta gamma) + 1)``.

    Args:
        weights: Of the decoder, shape ``(m, n)``.
        gamma: Variance of the decoder, scalar, above 0.
        beta: Weight of the divergence.

    Returns:
        Variances in (0, 1], shape ``(n,)``; 1 for a column of 0.
    """
    noise = beta * gamma
    return noise / (weights.square().sum(dim=0) + noise)


@accepts_arrays
def predicted_variance(eigenvalues: Tensor, gamma: float | Tensor, beta: float = 1.0) -> Tensor:
    """Return the posterior variance of each latent at the optimum, from the data's covariance alone.

    Of Bonheme 2023, Eq. 4.15, with ``beta gamma`` for ``gamma``, at the decoder of :func:`ppca_solution`. Dividing the
    objective by beta leaves that of a plain linear VAE with ``beta gamma`` for ``gamma`` wherever the decoder's weights
    enter, so that ``w_j'w_j = (lambda_j - beta gamma)_+`` and the variance is ``min(1, beta gamma / lambda_j)``. A
    latent is active where ``lambda_j > beta gamma``, and passive elsewhere: its variance is 1, that of the prior.

    Args:
        eigenvalues: Of the covariance of the data, the greatest ones, one for each latent, any shape.
        gamma: Variance of the decoder, scalar, above 0, or of a shape that broadcasts.
        beta: Weight of the divergence.

    Returns:
        Variances in (0, 1], same shape.
    """
    noise = torch.as_tensor(beta * gamma, dtype=eigenvalues.dtype, device=eigenvalues.device)
    # An eigenvalue of 0 may be a little below it by rounding.
    return noise / torch.maximum(eigenvalues, noise)


@accepts_arrays
def mean_distance(offset: Tensor, spread: Tensor, scale: Tensor) -> Tensor:
    """Return how far the means of an encoder are from those of another, over data: root of the mean square.

    Entries of the weights are not compared: those of values that do not vary, such as an image's empty corners, are
    free, and nobody trains them.

    Args:
        offset: Difference of the two means of the mean observation, shape ``(n,)``.
        spread: Variance of the difference of the means over the observations, summed over latents, scalar.
        scale: Variance of the means of the other, summed over latents, scalar.

    Returns:
        Distance as a share of the standard deviation of the means of the other, scalar; ``nan`` if that is 0.
    """
    distance = spread + offset.square().sum()
    return torch.where(scale > 0, (distance / scale).clamp(min=0).sqrt(), torch.nan)


@accepts_arrays
def linear_reconstruction(
    x: Tensor, weights: Tensor, bias: Tensor, gamma: float | Tensor, mu: Tensor, covariance: Tensor
) -> Tensor:
    """Return the expectation of -log p(x|z) over the posterior of each observation, with all constants.

    Bonheme 2023, Section 4.2: ``1/2 [m log(2 pi gamma) + |x - b - W mu|^2 / gamma + Tr(S W'W) / gamma]``.

    Args:
        x: Observations, shape ``(N, m)``.
        weights: Of the decoder, shape ``(m, n)``.
        bias: Of the decoder, shape ``(m,)``.
        gamma: Variance of the decoder, scalar, above 0.
        mu: Posterior means, shape ``(N, n)``.
        covariance: Of all posteriors: ``(n, n)``, or the variances ``(n,)`` if it is diagonal.

    Returns:
        Expectation in nats, shape ``(N,)``.
    """
    if covariance.ndim == 1:
        spread = covariance @ weights.square().sum(dim=0)
    else:
        spread = (weights @ covariance * weights).sum()
    error = (x - bias - mu @ weights.mT).square().sum(dim=1)
    log_gamma = gamma.log() if isinstance(gamma, Tensor) else math.log(gamma)
    return 0.5 * (x.shape[1] * (math.log(2 * math.pi) + log_gamma) + (error + spread) / gamma)


@accepts_arrays
def shared_kl(mu: Tensor, covariance: Tensor) -> Tensor:
    """Return the divergence of each posterior from a standard normal prior, if all share one covariance.

    Bonheme 2023, Section 4.2: ``1/2 [Tr S + |mu|^2 - log det S - n]``.

    Args:
        mu: Posterior means, shape ``(N, n)``.
        covariance: Of all posteriors: ``(n, n)``, or the variances ``(n,)`` if it is diagonal.

    Returns:
        Divergence in nats, shape ``(N,)``; zero where the posterior equals the prior, infinite for a variance of 0.
    """
    if covariance.ndim == 1:
        trace, log_determinant = covariance.sum(), covariance.log().sum()
    else:
        trace, log_determinant = covariance.trace(), covariance.logdet()
    return 0.5 * (trace - log_determinant - mu.shape[1] + mu.square().sum(dim=1))


@accepts_arrays
def linear_elbo(
    x: Tensor, weights: Tensor, bias: Tensor, gamma: float | Tensor, mu: Tensor, covariance: Tensor
) -> Tensor:
    """Return the bound on log p(x) of each observation, exactly and with all constants.

    Bonheme 2023, Section 4.2; Lucas et al. 2019. What follows from it for the best diagonal covariance sums
    ``log((W'W)_jj / gamma + 1)`` over the latents; Eq. 4.12 is printed with a sum of ``log((WW')_ii + gamma)`` over the
    values of x, and is not what is computed here.

    Args:
        x: Observations, shape ``(N, m)``.
        weights: Of the decoder, shape ``(m, n)``.
        bias: Of the decoder, shape ``(m,)``.
        gamma: Variance of the decoder, scalar, above 0.
        mu: Posterior means, shape ``(N, n)``.
        covariance: Of all posteriors: ``(n, n)``, or the variances ``(n,)`` if it is diagonal.

    Returns:
        Bound in nats, shape ``(N,)``; log p(x) itself for the posterior of :func:`linear_posterior` with beta 1.
    """
    reconstruction = linear_reconstruction(x, weights, bias, gamma, mu=mu, covariance=covariance)
    return -reconstruction - shared_kl(mu, covariance)
