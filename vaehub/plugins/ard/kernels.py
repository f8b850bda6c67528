"""Mathematics of ARD-VAE and of the relevance of latents (Saha, Joshi & Whitaker 2025)."""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, WorkFailed
from vaehub.analysis import TANGENTS_AT_ONCE, Derivatives, accepts_arrays, in_double, remembered

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
    squares = in_double(z).square().sum(dim=0)
    return torch.tensor(a0 + 0.5 * len(z), dtype=torch.float64, device=squares.device), b0 + 0.5 * squares


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


@accepts_arrays
def relevance_weights(
    decode: Callable[[Tensor], Tensor] | Derivatives,
    z: Tensor,
    *,
    average: Literal["mean_square", "abs_mean"] = "mean_square",
    at_once: int = TANGENTS_AT_ONCE,
) -> Tensor:
    """Return how strongly a decoder reacts to each latent.

    Saha et al. 2025, Eq. 19: the squared Jacobian, averaged over observations and summed over the values of an
    observation. The released code squares the mean magnitude instead (``abs_mean``), which is never larger. Derivatives
    are exact, by forward-mode differentiation of all latents and several observations at once, wherever PyTorch has
    them; :class:`vaehub.analysis.Derivatives` says in which way they were computed.

    Args:
        decode: Takes ``(n, latent_dim)`` and gives ``(n, *shape)``, each observation by itself, so batch normalisation
            must be in evaluation mode. It computes in the dtype of ``z``. Or its derivatives, which are asked for their
            method afterwards.
        z: Where to differentiate, shape ``(n, latent_dim)``.
        average: Mean of squares, or square of the mean magnitude.
        at_once: Directional derivatives computed together; bounds memory, changes no result. Derivatives have
            their own.

    Returns:
        Weights, shape ``(latent_dim,)``, float64, in squared data units for each squared latent unit; zero for a latent
        that the decoder ignores, ``nan`` without observations.

    Raises:
        WorkFailed: If the decoder has no derivatives: it fails, is random, or changes in jumps.
    """
    n, latent_dim = z.shape
    if n == 0:
        return torch.full((latent_dim,), math.nan, dtype=torch.float64)
    derivatives = decode if isinstance(decode, Derivatives) else Derivatives(decode, at_once)
    sums: Tensor | float = 0.0
    for block in derivatives.blocks(z):
        jacobian = block.movedim(-1, 0)  # latents first, as they were computed: sums keep their order
        if average == "mean_square":
            sums = sums + in_double(jacobian.square().sum(dim=(1, 2)))
        else:
            sums = sums + in_double(jacobian.abs().sum(dim=1))
    means = torch.as_tensor(sums) / n
    return means if average == "mean_square" else means.square().sum(dim=1)


def weights_of(
    model: LatentModel, z: Tensor, derivatives: Derivatives, average: Literal["mean_square", "abs_mean"] = "mean_square"
) -> Tensor:
    """Return :func:`relevance_weights` of a model's decoder, computed once however many metrics ask at the same codes.

    Args:
        model: Whose decoder it is.
        z: Where to differentiate, shape ``(n, latent_dim)``.
        derivatives: Of ``model.decode``; they say afterwards how the weights were computed, now or before.
        average: As there.
    """

    def compute() -> tuple[Tensor, str, float]:
        weights = relevance_weights(derivatives, z, average=average)
        return weights, derivatives.method, derivatives.error

    weights, derivatives.method, derivatives.error = remembered(model, "relevance weights", (z, average), compute)
    return weights


@accepts_arrays
def n_relevant(scores: Tensor, explained: float = 0.99) -> int:
    """Return the smallest number of latents whose relevance together exceeds a share of the whole.

    Saha et al. 2025, Section 3.4: latents are taken from the most relevant down, until their cumulative share is above
    99 % (strictly, as the released code has it).

    Args:
        scores: Relevance of each latent, shape ``(latent_dim,)``, not negative.
        explained: The share, in (0, 1]; at 1, all latents with any relevance are counted.

    Returns:
        Number of latents; 0 if every score is 0.

    Raises:
        ValueError: If a score is negative, NaN or infinite.
    """
    ordered = scores.double().sort(descending=True).values
    if not bool(torch.isfinite(ordered).all()) or bool((ordered < 0).any()):
        raise ValueError(f"relevance scores are finite and not negative, got {scores.tolist()}")
    total = float(ordered.sum())
    if total == 0:
        return 0
    # Rounding must not carry a cumulative share of exactly 99 % over the line.
    threshold = explained + len(ordered) * torch.finfo(torch.float64).eps
    reached = int((ordered.cumsum(0) / total <= threshold).sum()) + 1
    return min(reached, int(torch.count_nonzero(ordered)))


@accepts_arrays
def relevance_gap(scores: Tensor, n: int) -> float:
    """Return by how much the last latent that is counted exceeds the first that is not.

    The count has converged where a gap stands at the cut: unused latents lose their relevance slowly, and until they
    have, the cut lies among latents that are nearly equal.

    Args:
        scores: Relevance of each latent, shape ``(latent_dim,)``, not negative.
        n: How many of the most relevant ones are counted, as :func:`n_relevant` says.

    Returns:
        A ratio, at least 1; infinite if the next latent has no relevance; ``nan`` if there is no last one, or no next.
    """
    if not 0 < n < len(scores):
        return math.nan
    ordered = scores.double().sort(descending=True).values
    last, following = float(ordered[n - 1]), float(ordered[n])
    return last / following if following > 0 else math.inf


@accepts_arrays
def is_relevant(scores: Tensor, explained: float = 0.99) -> Tensor:
    """Return which latents are the :func:`n_relevant` most relevant ones; of equal ones the first.

    Args:
        scores: Relevance of each latent, shape ``(latent_dim,)``, not negative.
        explained: The share, as in :func:`n_relevant`.

    Returns:
        Shape ``(latent_dim,)``, bool.

    Raises:
        ValueError: As :func:`n_relevant`.
    """
    found = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    found[scores.argsort(descending=True, stable=True)[: n_relevant(scores, explained)]] = True
    return found


def encoded_variance(model: LatentModel, data: Dataset, *, about_zero: bool = False) -> Tensor:
    """Return the variance of each latent over the sampled representation, without a draw: Var(mu) + mean(sigma^2).

    Args:
        model: Any with an encoder; a deterministic one has the variance of its codes.
        data: Observations to encode.
        about_zero: Return the second moment instead, as a prior of mean 0 has its variance estimated.

    Returns:
        Shape ``(latent_dim,)``, float64, divided by the number of observations.
    """
    posterior = model.encode_all(data)
    # The law of total variance.
    within = 0.0 if posterior.logvar is None else in_double(posterior.logvar).exp().mean(dim=0)
    mu = in_double(posterior.mu)
    return (mu.square().mean(dim=0) if about_zero else mu.var(dim=0, correction=0)) + within


def latent_relevance(
    model: LatentModel,
    data: Dataset,
    n_samples: int,
    generator: torch.Generator,
    derivatives: Derivatives | None = None,
) -> Tensor:
    """Return the relevance of each latent: how strongly the decoder reacts to it, times how much it varies.

    Saha et al. 2025, Eqs. 19 and 20, as printed: weights at posterior means, times the variance of the learned prior;
    of a model without one, that of the encoded data, of which the paper does not speak.

    Args:
        model: Has an encoder and a differentiable decoder.
        data: Observations to encode.
        n_samples: How many of them the weights are averaged over, at most.
        generator: Draws them: as the metric ``relevance`` does, if it is the one of its ``rows``.
        derivatives: Those of the model's decoder, if they are asked for their method afterwards.

    Returns:
        Scores for :func:`is_relevant`, shape ``(latent_dim,)``, float64.

    Raises:
        WorkFailed: If a score is NaN or infinite, or the decoder has no derivatives.
    """
    rows = torch.randperm(len(data), generator=generator)[:n_samples].sort().values
    mu = model.encode_all(data.subset(rows)).mu
    weights = weights_of(model, mu, derivatives or Derivatives(model.decode))
    learned = model.learned_prior_variance
    scores = weights * (encoded_variance(model, data) if learned is None else learned).to(weights)
    if not bool(scores.isfinite().all()):
        raise WorkFailed("the relevance of a latent is NaN or infinite, so that none can be left out")
    return scores
