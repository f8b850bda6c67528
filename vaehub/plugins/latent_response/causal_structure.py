"""Mathematics of the graph between latents: which responses are edges, and which latents are one variable."""

from statistics import NormalDist
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays
from vaehub.plugins.latent_response.matrices import Moments

ROUNDING = 1e-5
"""Responses below this share of the latents' root mean square are rounding of 32-bit numbers through deep networks."""


class Thresholds(NamedTuple):
    """What responses are compared with.

    Attributes:
        null: How far each response moves while latent and observation stay the same, shape ``(latent_dim,)``.
        edges: What a response of each latent must exceed to be an edge, same shape.
        is_below: Where a number asked for is below the null, same shape.
    """

    null: Tensor
    edges: Tensor
    is_below: Tensor


def two_sided(confidence: float, n: int) -> float:
    """Return how many standard errors an interval reaches to each side if n of them hold together (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - confidence) / (2 * max(1, n)))


@accepts_arrays
def edge_thresholds(
    reach: Tensor, redrawn: Moments, size: float, share: float, *, number: float | None, reach_of_error: float
) -> Thresholds:
    """Return what each latent's response must exceed for another latent to be said to act on it.

    Two things make a response meaningless: it is no more than what the encoder's noise in other latents moves while the
    observation stays; or it is a trifle of what the response of the latent varies by anyway. An edge exceeds both.
    Leeb et al. 2021, Section 4.1, have no threshold.

    Args:
        reach: Root mean squared difference of two independent responses, ``sqrt(2)`` deviations, shape
            ``(latent_dim,)``. The squared share of it that one replaced latent moves is Sobol's total effect (Jansen
            1999), if latents are independent.
        redrawn: From :func:`redraw_moments`.
        size: Root mean square of all latents, to which rounding is relative.
        share: Of ``reach`` that an edge exceeds.
        number: Instead of the share, if given, in the latents' unit; the null then counts no more.
        reach_of_error: Standard errors by which the null is enlarged.
    """
    null = (redrawn.squares + reach_of_error * redrawn.errors).sqrt().clamp_min(ROUNDING * size)
    if number is None:
        return Thresholds(null, torch.maximum(null, share * reach), torch.zeros_like(null, dtype=torch.bool))
    return Thresholds(null, torch.full_like(null, number), null > number)


class Edges(NamedTuple):
    """Edges of a causal graph.

    Attributes:
        cause: Latents that act, shape ``(k,)``.
        effect: Latents that they act on, shape ``(k,)``.
        response: Entries of the matrix, float64, shape ``(k,)``, the greatest first.
        low: Lower ends of their intervals, same shape.
    """

    cause: Tensor
    effect: Tensor
    response: Tensor
    low: Tensor


@accepts_arrays
def displaced_latents(matrix: Tensor, threshold: float) -> Tensor:
    """Return the latents without a causal response of their own, but with one of or to another latent.

    Leeb et al. 2021 leave out latents by the diagonal alone. Where decoder and encoder have two latents the other way
    round, their diagonal is 0 and what they do stands beside it.

    Args:
        matrix: From :func:`response_matrix`, shape ``(latent_dim, latent_dim)``.
        threshold: Least response of a causal latent.

    Returns:
        Shape ``(latent_dim,)``; no causal latent is among them.
    """
    is_causal = matrix.diagonal() >= threshold
    # A child of a causal latent without an own response is no node: the encoder repeats its parent there.
    strong = (matrix >= threshold) & ~is_causal[:, None]
    return ~is_causal & (strong.any(dim=1) | strong.any(dim=0))


@accepts_arrays
def causal_edges(moments: Moments, is_node: Tensor, thresholds: Tensor, reach_of_error: float) -> Edges:
    """Return which latents act on which others: those whose whole interval is above the threshold of the effect.

    Args:
        moments: From :func:`response_moments`.
        is_node: Latents of the graph, shape ``(latent_dim,)``.
        thresholds: From :func:`edge_thresholds`, in the latents' unit, shape ``(latent_dim,)``.
        reach_of_error: Standard errors that an interval reaches down.

    Returns:
        The strongest first; none where nothing responds to anything else.
    """
    matrix = moments.squares.sqrt()
    low = (moments.squares - reach_of_error * moments.errors).clamp_min(0).sqrt()
    is_other = ~torch.eye(len(matrix), dtype=torch.bool, device=matrix.device)
    is_edge = (low > thresholds) & is_node[:, None] & is_node & is_other
    cause, effect = is_edge.nonzero(as_tuple=True)
    order = matrix[cause, effect].argsort(descending=True, stable=True)
    cause, effect = cause[order], effect[order]
    return Edges(cause, effect, matrix[cause, effect], low[cause, effect])


@accepts_arrays
def symmetric_pairs(matrix: Tensor, edges: Edges, tolerance: float = 0.2) -> Tensor:
    """Return pairs of latents that act on each other about as much.

    Leeb et al. 2021, Section 4.1, without a number.

    Args:
        matrix: From :func:`response_matrix`.
        edges: From :func:`causal_edges`.
        tolerance: Two edges are about the same if they differ by at most this share of the greater.

    Returns:
        Shape ``(k, 2)``, the lesser latent first.
    """
    is_edge = torch.zeros(matrix.shape, dtype=torch.bool, device=matrix.device)
    is_edge[edges.cause, edges.effect] = True
    alike = (matrix - matrix.mT).abs() <= tolerance * torch.maximum(matrix, matrix.mT)
    return (is_edge & is_edge.mT & alike).triu(1).nonzero()


@accepts_arrays
def merged_pairs(pairs: Tensor, matrix: Tensor, reach: Tensor, share: float) -> Tensor:
    """Return the pairs that are one variable of two dimensions, such as both coordinates of an angle.

    Leeb et al. 2021, Section 4.1, restrict variables to two latents, as here: pairs that move each other by much are
    taken from the strongest on, and no latent twice, so that a chain of pairs is no variable.

    Args:
        pairs: From :func:`symmetric_pairs`, shape ``(k, 2)``.
        matrix: From :func:`response_matrix`.
        reach: As for :func:`edge_thresholds`.
        share: Of ``reach`` that each of the two must move the other by. For the two coordinates of a circle it is 0.20.

    Returns:
        Shape ``(m, 2)``, the strongest first.
    """
    first, second = pairs.T
    strength = torch.minimum(matrix[first, second] / reach[second], matrix[second, first] / reach[first])
    order = strength.argsort(descending=True, stable=True)
    left = pairs[order[strength[order] >= share]]
    found = [left[:0]]
    while len(left):
        found.append(left[:1])
        left = left[~torch.isin(left, left[0]).any(dim=1)]
    return torch.cat(found)


@accepts_arrays
def variables_of(merged: Tensor, is_node: Tensor) -> Tensor:
    """Return which variable each latent is part of.

    Args:
        merged: From :func:`merged_pairs`, shape ``(k, 2)``.
        is_node: Latents of the graph, shape ``(latent_dim,)``.

    Returns:
        Numbers from 0 in the order of latents, float64, shape ``(latent_dim,)``; ``nan`` for other latents.
    """
    parts = torch.arange(len(is_node), device=is_node.device)
    parts[merged[:, 1]] = merged[:, 0]
    found = torch.full((len(is_node),), torch.nan, dtype=torch.float64, device=is_node.device)
    found[is_node] = torch.unique(parts[is_node], return_inverse=True)[1].double()
    return found
