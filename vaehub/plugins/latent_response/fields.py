"""Mathematics of response fields: where responses move to on a plane of two latents, and what maps are made of it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import Array, accepts_arrays
from vaehub.plugins.latent_response.matrices import CODES_AT_ONCE, Respond

NO_LENGTH = 1e-12
"""Length up to which an arrow of the field has no direction, in the latents' unit."""
VALUES_AT_ONCE = 2**22
"""Differences of points and posterior means that are held together; bounds memory, changes no result."""
OBSERVATIONS_AT_ONCE = 4096
"""Posteriors whose densities are held together; bounds memory, changes no result."""


def grid_axes(extent: Sequence[float], h: int, w: int) -> tuple[Tensor, Tensor]:
    """Return the values of a grid's axes, both ends included, float64, shapes ``(h,)`` and ``(w,)``."""
    low, high, left, right = (float(value) for value in extent)
    first = torch.linspace(low, high, h, dtype=torch.float64)
    return first, torch.linspace(left, right, w, dtype=torch.float64)


@accepts_arrays
def response_field(
    respond: Respond,
    first: Tensor,
    second: Tensor,
    rest: Tensor,
    latents: tuple[int, int] = (0, 1),
    at_once: int = CODES_AT_ONCE,
) -> Tensor:
    """Return how far the response moves from each point of a grid over two latents.

    Leeb et al. 2021, Eq. 9: ``F = R(z) - z`` on the two axes, a mean over what the other latents are.

    Args:
        respond: The response R of latents.
        first: Values of the first latent, shape ``(h,)``.
        second: Values of the second, shape ``(w,)``.
        rest: Latent vectors that the other latents are taken from, shape ``(b, latent_dim)``; one for a field that is
            conditioned on it.
        latents: Which two.
        at_once: Latents handed to ``respond`` at a time.

    Returns:
        Shape ``(h, w, 2)``, float64, in the latents' unit.
    """
    h, w = len(first), len(second)
    points = torch.stack([first.repeat_interleave(w), second.repeat(h)], dim=1)
    return field_at(respond, points, rest, latents, at_once).reshape(h, w, 2)


@accepts_arrays
def field_at(
    respond: Respond, points: Tensor, rest: Tensor, latents: tuple[int, int] = (0, 1), at_once: int = CODES_AT_ONCE
) -> Tensor:
    """Return the field of :func:`response_field` at any points of the plane.

    Args:
        respond: The response R of latents.
        points: Shape ``(k, 2)``.
        rest: As for :func:`response_field`.
        latents: Which two.
        at_once: Latents handed to ``respond`` at a time.

    Returns:
        Shape ``(k, 2)``, float64, in the latents' unit.
    """
    k, axes = len(points), list(latents)
    total = torch.zeros(k, 2, dtype=torch.float64, device=rest.device)
    for begin in range(0, len(rest) * k, at_once):
        numbers = torch.arange(begin, min(begin + at_once, len(rest) * k), device=rest.device)
        place = numbers % k
        codes = rest[numbers // k]
        codes[:, axes] = points[place].to(rest)
        moved = torch.as_tensor(respond(codes)).to(codes.device, torch.float64) - codes.double()
        total.index_add_(0, place, moved[:, axes])
    return total / len(rest)


def divergence_at(field: Callable[[Tensor], Tensor], points: Tensor, step: float) -> Tensor:
    """Return the divergence of a field at any points, by central differences.

    Args:
        field: From points ``(n, m)`` to arrows, same shape.
        points: Shape ``(k, m)``.
        step: How far from each point both sides of a difference are.

    Returns:
        Shape ``(k,)``, float64, for each unit.
    """
    k, m = points.shape
    slopes = torch.empty(m, k, dtype=torch.float64)
    for axes in torch.split(torch.arange(m), max(1, VALUES_AT_ONCE // (2 * points.numel()))):
        aside = torch.zeros(len(axes), 1, m, dtype=points.dtype)
        aside[torch.arange(len(axes)), 0, axes] = step
        arrows = field(torch.cat([points + aside, points - aside]).flatten(0, 1)).reshape(2, len(axes), k, m)
        own = arrows.gather(3, axes[:, None, None].expand(2, -1, k, 1))[..., 0].double()
        slopes[axes] = (own[0] - own[1]) / (2 * step)
    return slopes.sum(dim=0)


@accepts_arrays
def divergence(field: Tensor, extent: Sequence[float] | Array, unit_spacing: bool = False) -> Tensor:
    """Return the divergence of a field: negative where responses come together, which is at the data.

    Leeb et al. 2021, Appendix A.3, by central differences, one-sided at the border. The released code differentiates
    for each step of the grid, so that its values are ours times the step, and change with the number of points.

    Args:
        field: Shape ``(h, w, 2)``; the first axis of the grid is that of the first component.
        extent: Least and greatest value of the first axis, then of the second.
        unit_spacing: As in the released code.

    Returns:
        Shape ``(h, w)``, for each unit (without unit, if the field has the latents').

    Raises:
        VaehubError: If the grid has one point along an axis.
    """
    along_first, along_second = _slopes(field, extent, unit_spacing)
    return along_first + along_second


@accepts_arrays
def mean_curvature(field: Tensor, extent: Sequence[float] | Array, unit_spacing: bool = False) -> Tensor:
    """Return the mean curvature of the lines that a field crosses at right angles: great along ridges of the data.

    Leeb et al. 2021, Eq. 12: ``H = -1/2 div(F / |F|)``. The released code divides 0 by 0 where the field has no length.

    Args:
        field: Shape ``(h, w, 2)``.
        extent: As for :func:`divergence`.
        unit_spacing: As for :func:`divergence`.

    Returns:
        Shape ``(h, w)``, for each unit of the latents; ``nan`` where it takes a direction that there is not: at an
        arrow without length and beside it.

    Raises:
        VaehubError: If the grid has one point along an axis.
    """
    field = field.double()
    length = field.norm(dim=-1, keepdim=True)
    direction = torch.where(length > NO_LENGTH, field / length, torch.nan)
    # A central difference does not look at its own point.
    slopes = torch.where(length[..., 0] > NO_LENGTH, divergence(direction, extent, unit_spacing), torch.nan)
    return -0.5 * slopes


def _slopes(field: Tensor, extent: Sequence[float] | Array, unit_spacing: bool) -> list[Tensor]:
    """Return the derivative of each component along its own axis."""
    if min(field.shape[:2]) < 2:
        raise VaehubError(
            f"derivatives need 2 grid points along each axis at least, and this grid has {field.shape[0]} and "
            f"{field.shape[1]}"
        )
    found = []
    for axis in (0, 1):
        low, high = float(extent[2 * axis]), float(extent[2 * axis + 1])
        step = 1.0 if unit_spacing else (high - low) / (field.shape[axis] - 1)
        found.append(torch.gradient(field[..., axis].double(), spacing=step, dim=axis)[0])
    return found


@accepts_arrays
def aggregate_density(first: Tensor, second: Tensor, mu: Tensor, variance: Tensor) -> Tensor:
    """Return the density of the aggregate posterior of two latents over a grid.

    The mean over observations of their posteriors, which are independent Gaussians.

    Args:
        first: Values of the first latent, shape ``(h,)``.
        second: Values of the second, shape ``(w,)``.
        mu: Posterior means of the two, shape ``(n, 2)``.
        variance: Posterior variances of the two, same shape or one row.

    Returns:
        Shape ``(h, w)``, float64, for each unit of area. Posteriors much narrower than a grid step fall between points.
    """
    mu, deviation = mu.double(), variance.double().sqrt().expand_as(mu)
    total = torch.zeros(len(first), len(second), dtype=torch.float64, device=mu.device)
    blocks = (torch.split(each, OBSERVATIONS_AT_ONCE) for each in (mu, deviation))
    for m, s in zip(*blocks, strict=True):
        total += _normal(first.double(), m[:, 0], s[:, 0]).mT @ _normal(second.double(), m[:, 1], s[:, 1])
    return total / len(mu)


@accepts_arrays
def log_density(points: Tensor, mu: Tensor, variance: Tensor) -> Tensor:
    """Return the natural log of the density of the aggregate posterior at any points.

    Args:
        points: Shape ``(k, m)``.
        mu: Posterior means, shape ``(n, m)``.
        variance: Posterior variances, same shape or one row, above 0.

    Returns:
        Shape ``(k,)``, float64, of a density for each unit of volume.
    """
    points, mu = points.double(), mu.double()
    variance = variance.double().expand_as(mu)
    scale = -0.5 * (2 * torch.pi * variance).log().sum(dim=1)
    found = []
    for block in torch.split(points, max(1, VALUES_AT_ONCE // mu.numel())):
        squares = ((block[:, None] - mu).square() / variance).sum(dim=2)
        found.append(torch.logsumexp(scale - 0.5 * squares, dim=1))
    return torch.cat(found) - float(torch.tensor(float(len(mu))).log())


def _normal(at: Tensor, mu: Tensor, deviation: Tensor) -> Tensor:
    """Return densities, shape ``(n, k)`` for ``n`` Gaussians at ``k`` points."""
    standard = (at - mu[:, None]) / deviation[:, None]
    density: Tensor = (-0.5 * standard.square()).exp() / (deviation[:, None] * (2 * torch.pi) ** 0.5)
    return density


@accepts_arrays
def smoothing_variance(mu: Tensor) -> Tensor:
    """Return the variances that make a density of codes without any: Scott 1992.

    Args:
        mu: Codes, shape ``(n, m)``.

    Returns:
        Shape ``(1, m)``; 0 for a latent that does not vary.
    """
    n, m = mu.shape
    variance: Tensor = mu.double().var(dim=0, keepdim=True) * n ** (-2 / (m + 4))
    return variance
