"""Mathematics of the linear iVAE: decoder N(W z + b, gamma I), prior N(m(u), S(u)) with a diagonal S(u)."""

import math

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.models.conditioned.kernels import kl_between_gaussians


@accepts_arrays
def conditional_posterior(
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    gamma: float | Tensor,
    *,
    prior_mu: Tensor,
    prior_variance: Tensor,
    beta: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return the best posterior of each observation, given the decoder and the prior: mean and variances.

    Bonheme 2023, Eqs. 5.7 and 5.9, and 5.13 and 5.14 for a prior mean of 0, with ``beta gamma`` for ``gamma``:
    ``mu = m + (W'W + gamma S^-1)^-1 W'(x - b - W m)`` and variances ``1 / ((W'W)_jj / gamma + 1 / S_jj)``. The second
    line of Eq. 5.14 holds for orthogonal columns of W alone, and the first, which is computed here, for any. Above
    Eq. 5.7 the derivative is printed with ``W W'``, where the solution below it has ``W'W``.

    Args:
        x: Observations, shape ``(N, m)``.
        weights: Of the decoder, shape ``(m, n)``.
        bias: Of the decoder, shape ``(m,)``.
        gamma: Variance of the decoder, scalar, above 0.
        prior_mu: Means of the prior for each observation, shape ``(N, n)`` or one row.
        prior_variance: Its variances, at least 0, same shape.
        beta: Weight of the divergence.

    Returns:
        Means and variances, shape ``(N, n)`` each; those of the prior for a column of 0 or a prior variance of 0.
    """
    gram = weights.mT @ weights
    along = (x - bias - prior_mu @ weights.mT) @ weights
    mu = prior_mu + prior_variance.sqrt() * whitened_mean(along, gram, beta * gamma, prior_variance)
    variance = beta * gamma * prior_variance / (gram.diagonal() * prior_variance + beta * gamma)
    return mu, variance.expand_as(mu)


@accepts_arrays
def whitened_mean(along: Tensor, gram: Tensor, noise: float | Tensor, prior_variance: Tensor) -> Tensor:
    """Return the best posterior mean of each observation, less the prior's and in units of its standard deviation.

    Bonheme 2023, Eq. 5.9: ``(gamma I + S^1/2 W'W S^1/2)^-1 S^1/2 W'(x - b - W m)``, for prior variances of 0 too.

    Args:
        along: ``W'(x - b - W m)``, shape ``(N, n)``.
        gram: ``W'W``, shape ``(n, n)``.
        noise: gamma, or beta times it, above 0.
        prior_variance: At least 0, shape ``(N, n)`` or one row.

    Returns:
        Means without unit, shape ``(N, n)``; 0 for a column of 0 or a prior variance of 0.
    """
    root = prior_variance.sqrt()
    system = noise * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    system = system + root[:, :, None] * gram * root[:, None, :]
    found: Tensor = torch.linalg.solve(system, (root * along)[:, :, None])[:, :, 0]
    return found


@accepts_arrays
def best_prior_variance(second_moment: Tensor, weights: Tensor, gamma: float | Tensor, beta: float = 1.0) -> Tensor:
    """Return the best variance of the prior for each u and latent, given a decoder with orthogonal columns.

    Bonheme 2023, Eqs. 5.12 to 5.14, which the thesis leaves as a fixed point, solved. Let ``a = w'w``, and ``c`` be the
    mean of ``(w'(x - b))^2`` over the observations with this u. The prior's variance is the posterior's plus the mean
    of ``mu^2`` exactly where ``(a S + gamma - c / a) (a S) = 0``: at ``S = (c / a - gamma)_+ / a``. The variance of the
    data along w, ``c / a``, has to exceed gamma, as in a linear VAE, but for each u by itself: where it does not, the
    latent is passive for this u, and the variances of prior and posterior fall to 0 together. Eq. 5.12 is printed for a
    single observation, and holds for the mean over all that share a u.

    Args:
        second_moment: ``c``, shape ``(g, n)`` with a row for each u; with a learned prior mean, of what is left of
            ``x - b`` when its mean for this u is taken off.
        weights: Of the decoder, shape ``(m, n)``.
        gamma: Variance of the decoder, scalar, above 0.
        beta: Weight of the divergence, by which gamma is multiplied.

    Returns:
        Variances, at least 0, shape ``(g, n)``; ``nan`` for a column of 0, where any variance is as good.
    """
    squares = weights.square().sum(dim=0)
    found = (second_moment / squares - beta * gamma).clamp(min=0) / squares
    return torch.where(squares > 0, found, torch.nan)


@accepts_arrays
def prior_fixed_point(
    second_moments: Tensor, weights: Tensor, gamma: float | Tensor, beta: float = 1.0, n_steps: int = 500
) -> Tensor:
    """Return the best variance of the prior for each u and latent, given any decoder.

    Bonheme 2023, Eqs. 5.7, 5.12 and 5.14, first line, which have to hold together. The prior's variance is the
    posterior's, ``V``, plus the mean of ``mu^2``. Iterated is ``S <- mean(mu^2) / (1 - V / S)`` (after MacKay 1992),
    which falls by a constant factor where a latent does not pay, while a sum of the two would never get to 0. With
    orthogonal columns it ends at :func:`best_prior_variance`.

    Args:
        second_moments: Of ``W'(x - b)`` for each u, shape ``(g, n, n)``.
        weights: Of the decoder, shape ``(m, n)``.
        gamma: Variance of the decoder, scalar, above 0.
        beta: Weight of the divergence, by which gamma is multiplied.
        n_steps: Steps at most; fewer, if the variance that a latent explains no longer changes by a millionth of itself
            and gamma.

    Returns:
        Variances, at least 0, shape ``(g, n)``; exactly 0 where a latent explains less than a thousandth of gamma;
        ``nan`` for a column of 0, where any variance is as good.
    """
    noise = beta * gamma
    gram = weights.mT @ weights
    squares = gram.diagonal()
    is_used = squares > 0
    identity = torch.eye(len(squares), dtype=weights.dtype, device=weights.device)
    # Columns of unit length: prior variances are then the variances of x that latents explain.
    length = torch.where(is_used, squares.sqrt(), 1.0)
    gram, moments = gram / length[:, None] / length, second_moments / length[:, None] / length
    explained = (moments.diagonal(dim1=1, dim2=2) + noise) * is_used
    for _ in range(n_steps):
        root = explained.sqrt()
        factor = torch.linalg.cholesky(noise * identity + root[:, :, None] * gram * root[:, None, :])
        inside = torch.cholesky_solve(root[:, :, None] * moments, factor)  # K C, without the root on the left
        squared_mean = torch.cholesky_solve((root[:, :, None] * inside.mT), factor).diagonal(dim1=1, dim2=2)
        # mean(mu^2) is S times this, and 1 - V / S is S / (S + gamma) for a column of unit length.
        found = squared_mean * (explained + noise)
        is_done = ((found - explained).abs() <= 1e-6 * (found + noise)).all()
        explained = found
        if is_done:
            break
    explained = torch.where(explained > 1e-3 * noise, explained, 0.0)
    return torch.where(is_used, explained / length.square(), torch.nan)


@accepts_arrays
def shared_axes_solution(
    second_moments: Tensor, shares: Tensor, latent_dim: int, gamma: float, beta: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return the decoder and the prior variances that maximise the bound, if the data have the same axes for every u.

    Bonheme 2023, Section 5.2.2, with a prior mean of 0. Where ``sum_j lambda_j(u) e_j e_j'`` are the second moments of
    ``x - b``, :func:`best_prior_variance` along the axis ``e_j`` gains ``1/2 E_u[r - 1 - log r]`` nats, ``r`` being
    ``max(1, lambda_j(u) / gamma)``; the ``latent_dim`` axes that gain most are the columns, and what gains nothing is
    a column of 0. So Theorem 5.2.2 holds without its condition that gamma vanish: latents that no u pays for are
    passive. Scales are free, ``W D`` with ``S / D^2`` being the same model: here the mean of a prior variance over u is
    1, which makes this the solution of a linear VAE if there is but one u.

    Args:
        second_moments: Of ``x - b`` for each u, shape ``(g, m, m)``. The mean of x is the best ``b`` if every u has it.
        shares: Share of the observations with each u, shape ``(g,)``, which sum to 1.
        latent_dim: Number of latents, at most ``m``.
        gamma: Variance of the decoder, above 0.
        beta: Weight of the divergence, by which gamma is multiplied.

    Returns:
        Weights ``(m, latent_dim)``, by falling gain; prior variances ``(g, latent_dim)``: 0 where a latent is passive
        for this u only, and 1 where it is for all.

    Raises:
        VaehubError: If the second moments have other axes for each u, for which no closed form is known.
    """
    noise = beta * gamma
    # A mixture that no symmetry of the shares can make equal for two axes that differ for some u.
    mixture = torch.linspace(1, 2, len(shares), dtype=shares.dtype, device=shares.device).sqrt() * shares
    _, axes = torch.linalg.eigh((mixture[:, None, None] * second_moments).sum(dim=0))
    turned = axes.mT @ second_moments @ axes
    eigenvalues = turned.diagonal(dim1=1, dim2=2)
    # Axes are exact to rounding at most where eigenvalues are well apart, and to its root where they are not.
    tolerance = torch.finfo(turned.dtype).eps ** 0.5
    if (turned - torch.diag_embed(eigenvalues)).abs().max() > tolerance * eigenvalues.max():
        raise VaehubError(
            "the closed form of a linear iVAE needs second moments with the same axes for every u, and these differ; "
            "'best_prior_variance' is for a decoder that is known"
        )
    ratio = (eigenvalues / noise).clamp(min=1)
    gain = 0.5 * shares @ (ratio - 1 - ratio.log())
    chosen = gain.argsort(descending=True, stable=True)[:latent_dim]
    explained = (eigenvalues[:, chosen] - noise).clamp(min=0)
    squares = shares @ explained
    prior = torch.where(squares > 0, explained / squares, 1.0)
    return axes[:, chosen] * squares.sqrt(), prior


@accepts_arrays
def conditional_elbo(
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    gamma: float | Tensor,
    *,
    mu: Tensor,
    variance: Tensor,
    prior_mu: Tensor,
    prior_variance: Tensor,
) -> Tensor:
    """Return the bound on log p(x|u) of each observation, exactly and with all constants.

    Bonheme 2023, Eqs. 5.1 to 5.3, where ``m log(2 pi)`` is left out. Of the equations derived from it, two are
    misprinted: Eqs. 5.22 and 5.23 have ``log(A S + A mu^2 + 1)`` where Eqs. 5.24 and 5.25 rightly have ``A / gamma``,
    and Eq. 5.19 has the inverse of ``mu mu'``, which only its diagonal has.

    Args:
        x: Observations, shape ``(N, m)``.
        weights: Of the decoder, shape ``(m, n)``.
        bias: Of the decoder, shape ``(m,)``.
        gamma: Variance of the decoder, scalar, above 0.
        mu: Posterior means, shape ``(N, n)``.
        variance: Posterior variances, above 0, same shape.
        prior_mu: Means of the prior for each observation, same shape.
        prior_variance: Its variances, above 0, same shape.

    Returns:
        Bound in nats, shape ``(N,)``; log p(x|u) itself for the posterior of :func:`conditional_posterior` with beta 1,
        if columns are orthogonal.
    """
    error = (x - bias - mu @ weights.mT).square().sum(dim=1)
    spread = variance @ weights.square().sum(dim=0)
    log_gamma = gamma.log() if isinstance(gamma, Tensor) else math.log(gamma)
    reconstruction = 0.5 * (x.shape[1] * (math.log(2 * math.pi) + log_gamma) + (error + spread) / gamma)
    return -reconstruction - kl_between_gaussians(mu, variance.log(), prior_mu, prior_variance.log())
