"""Choices of rows, projections, and paths through the latent space."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays


class Projection(NamedTuple):
    """A projection on principal components.

    Attributes:
        coordinates: Shape ``(n, k)``, in the units of what was projected.
        components: Unit vectors projected on, shape ``(k, latent_dim)``.
        explained: Share of the variance along each of all ``latent_dim`` components, from the greatest down, shape
            ``(latent_dim,)``; ``nan`` where nothing varies.
    """

    coordinates: Tensor
    components: Tensor
    explained: Tensor


@accepts_arrays
def pca_projection(mu: Tensor, n_components: int = 2) -> Projection:
    """Return the projection of posterior means on the directions in which they vary most.

    Means are centred and not scaled. The sign of a component is free; here its loading of the greatest magnitude is
    positive, so that pictures of the same values look the same everywhere.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        n_components: Components projected on, at most ``latent_dim``.

    Returns:
        Coordinates, components and shares of variance, float64.
    """
    centred = mu.double() - mu.double().mean(dim=0)
    values, vectors = torch.linalg.eigh(centred.mT @ centred / len(mu))
    # Smallest first, and rounding may leave the smallest below zero.
    values, components = values.flip(0).clamp(min=0), vectors.flip(1).mT
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    components = (components * largest.sign())[:n_components]
    return Projection(centred @ components.mT, components, values / values.sum())


@accepts_arrays
def interpolated(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Return points on the lines between pairs of latent vectors: z(a) = (1 - a) z1 + a z2.

    Args:
        start: First of each pair, shape ``(n, latent_dim)``.
        end: Second of each pair, same shape.
        share: Values of a, shape ``(n_steps,)``; 0 gives the first exactly, and 1 the second.

    Returns:
        Shape ``(n, n_steps, latent_dim)``.
    """
    a = share[:, None]
    return (1 - a) * start[:, None] + a * end[:, None]


@accepts_arrays
def traversed(mu: Tensor, latents: Tensor, values: Tensor) -> Tensor:
    """Return copies of one latent vector in which one latent after the other takes a series of values.

    Args:
        mu: The vector, shape ``(latent_dim,)``.
        latents: Latents that are set, integer, shape ``(k,)``.
        values: What each is set to, shape ``(k, n_steps)``.

    Returns:
        Shape ``(k, n_steps, latent_dim)``.
    """
    is_set = torch.arange(len(mu), device=mu.device) == latents[:, None, None]
    return torch.where(is_set, values[:, :, None], mu)


def unit_steps(reach: float, n_steps: int, *, by_quantile: bool = False) -> Tensor:
    """Return values between ``-reach`` and ``reach``, rising and symmetric about 0, float64, shape ``(n_steps,)``.

    Args:
        reach: Half the range, in standard deviations.
        n_steps: How many, at least 2.
        by_quantile: Whether the range is cut into parts of equal probability under a standard normal, of each of which
            the median is taken, so that values are denser in the middle and the ends left out; otherwise distances are
            equal and the ends included.
    """
    if not by_quantile:
        return torch.linspace(-reach, reach, n_steps, dtype=torch.float64)
    outside = torch.special.ndtr(torch.tensor(-reach, dtype=torch.float64))
    share = (torch.arange(n_steps, dtype=torch.float64) + 0.5) / n_steps
    steps: Tensor = torch.special.ndtri(outside + share * (1 - 2 * outside))
    return steps


@accepts_arrays
def fitted_gaussian_draws(mu: Tensor, noise: Tensor) -> Tensor:
    """Return draws from the Gaussian whose mean and covariance are those of the posterior means.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        noise: Standard normal noise, shape ``(k, latent_dim)``.

    Returns:
        Draws, float64, shape ``(k, latent_dim)``; they do not vary where the means do not.
    """
    mean = mu.double().mean(dim=0)
    centred = mu.double() - mean
    # Not by Cholesky: a latent that never varies makes the covariance singular.
    values, vectors = torch.linalg.eigh(centred.mT @ centred / len(mu))
    draws: Tensor = mean + (noise.double() * values.clamp(min=0).sqrt()) @ vectors.mT
    return draws


def spread_rows(labels: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Return rows drawn without replacement, as evenly over classes as can be, sorted by class.

    Args:
        labels: Class of each row, shape ``(n_rows,)``; all the same where classes are unknown.
        n: How many, at most ``n_rows``. Fewer than there are classes come from as many classes, drawn too.
        generator: Decides which, on the CPU.

    Returns:
        Row numbers, shape ``(n,)``.
    """
    order = torch.randperm(len(labels), generator=generator)
    shuffled = labels[order]
    by_class = shuffled.argsort(stable=True)
    counts = torch.unique(shuffled, return_counts=True)[1]
    place = torch.empty_like(by_class)
    # How many of its class come before a row in the shuffled order: all firsts are taken, then all seconds.
    place[by_class] = torch.arange(len(labels)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    rows = order[place.argsort(stable=True)[:n]]
    return rows[labels[rows].argsort(stable=True)]


def partner_rows(labels: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Return another row for each row, of another class if there is more than one class.

    Args:
        labels: Class of each row, shape ``(n_rows,)``, with two rows at least; all the same where classes are unknown.
        rows: Row numbers, shape ``(k,)``.
        generator: Decides which, on the CPU.

    Returns:
        Row numbers, shape ``(k,)``; one may be there twice.
    """
    partners = []
    for row in rows:
        others = (labels != labels[row]).nonzero()[:, 0]
        if not len(others):
            others = (torch.arange(len(labels)) != row).nonzero()[:, 0]
        partners.append(others[torch.randint(len(others), (), generator=generator)])
    return torch.stack(partners)
