"""Mathematics of paths: the cheapest way between two latent vectors where leaving the data costs."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree
from torch import Tensor

from vaehub import VaehubError, WorkFailed
from vaehub.analysis import Array, accepts_arrays
from vaehub.plugins.latent_response.fields import grid_axes

LEAST_COST = 1e-12
"""What a unit of length costs at least, so that of ways that cost nothing the shortest is taken."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Half of the eight neighbours of a grid point: edges go both ways."""


class Route(NamedTuple):
    """A path on a graph.

    Attributes:
        nodes: Numbers of its nodes, the start first, shape ``(k,)``.
        cost: Its cost.
    """

    nodes: Tensor
    cost: float


@accepts_arrays
def length_cost(squares: Tensor, temperature: float) -> float:
    """Return what a unit of length costs besides what leaving the data does.

    Leeb et al. 2021 name a temperature in Section 5 and give neither its value nor its unit; here it counts in medians
    of the squared moves, so that it does not depend on the scale of the latents.

    Args:
        squares: ``|R(z) - z|^2`` at the nodes.
        temperature: Above 0, unless 1e-12 is to be enough.
    """
    return max(temperature * float(squares.double().median()), LEAST_COST)


@accepts_arrays
def repulsion_cost(squares: Tensor, divergence: Tensor, repulsion: float) -> Tensor:
    """Return what points cost from which responses part.

    Leeb et al. 2021, Section 4.3: between two parts of the data the field is short too, at the maxima of the distance
    to them, and its square cannot tell these from the data. The paper relies on a low temperature; its Figure 2 has
    positive divergence there, which is what costs here.

    Args:
        squares: ``|R(z) - z|^2`` wherever the path may go, of any shape.
        divergence: Of the field, of any shape.
        repulsion: What a divergence of 1 costs, in medians of ``squares``.

    Returns:
        The shape of ``divergence``; 0 where responses come together.
    """
    cost: Tensor = repulsion * float(squares.double().median()) * divergence.double().clamp_min(0)
    return cost


@accepts_arrays
def grid_path(
    squares: Tensor,
    extent: Sequence[float] | Array,
    start: Sequence[float],
    end: Sequence[float],
    temperature: float,
    *,
    added: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Return the cheapest path on a grid, each point joined to its eight neighbours.

    Leeb et al. 2021, Section 5: the path along which the integral of ``|R(z) - z|^2`` is least. An edge costs its
    length times the mean of its ends, plus :func:`length_cost` of its length. A path turns by multiples of 45 degrees,
    so that even where all costs are equal it may be longer than the straight line, by up to 8 %.

    Args:
        squares: ``|R(z) - z|^2``, shape ``(h, w)``.
        extent: Least and greatest value of the first axis, then of the second.
        start: Point that is brought to the grid.
        end: Likewise.
        temperature: What length costs, in medians of ``squares``.
        added: What points cost besides, from :func:`repulsion_cost`, same shape as ``squares``.

    Returns:
        Grid points from start to end, shape ``(k, 2)``, and the cost.

    Raises:
        VaehubError: If an end is outside the grid, or the grid has one point along an axis.
    """
    h, w = squares.shape
    if min(h, w) < 2:
        raise VaehubError(f"a path needs 2 grid points along each axis at least, and this grid has {h} and {w}")
    bounds = [float(value) for value in extent]
    axes = grid_axes(bounds, h, w)
    ends = [_nearest(point, axes, bounds) for point in (start, end)]
    steps = ((bounds[1] - bounds[0]) / (h - 1), (bounds[3] - bounds[2]) / (w - 1))
    per_length = length_cost(squares, temperature)
    at_points = squares.double() if added is None else squares.double() + added
    edges, costs = [], []
    numbers = torch.arange(h * w).reshape(h, w)
    for down, right in NEIGHBOURS:
        here = (slice(0, h - down), slice(max(0, -right), w - max(0, right)))
        there = (slice(down, h), slice(max(0, right), w - max(0, -right)))
        length = float(np.hypot(down * steps[0], right * steps[1]))
        edges.append(torch.stack([numbers[here].flatten(), numbers[there].flatten()], dim=1))
        costs.append(length * (0.5 * (at_points[here] + at_points[there]).flatten() + per_length))
    found = cheapest(torch.cat(edges), torch.cat(costs), h * w, ends[0], ends[1])
    return torch.stack([axes[0][found.nodes // w], axes[1][found.nodes % w]], dim=1), found.cost


def _nearest(point: Sequence[float], axes: tuple[Tensor, Tensor], bounds: Sequence[float]) -> int:
    """Return the number of the grid point that is nearest."""
    a, b = (float(value) for value in point)
    if not (bounds[0] <= a <= bounds[1] and bounds[2] <= b <= bounds[3]):
        raise VaehubError(
            f"a path was asked for with an end at ({a:.3g}, {b:.3g}), and the grid reaches from {bounds[0]:g} to "
            f"{bounds[1]:g} and from {bounds[2]:g} to {bounds[3]:g}; a greater extent has it"
        )
    return int((axes[0] - a).abs().argmin()) * len(axes[1]) + int((axes[1] - b).abs().argmin())


@accepts_arrays
def neighbour_edges(points: Tensor, n_neighbours: int) -> Tensor:
    """Return the edges of the graph that joins each point to its nearest ones.

    Args:
        points: Shape ``(n, latent_dim)``.
        n_neighbours: How many; all others, if there are fewer.

    Returns:
        Each edge once, the lesser number first, shape ``(k, 2)``.
    """
    values, n = points.double().cpu().numpy(), len(points)
    nearest = torch.as_tensor(KDTree(values).query(values, k=min(n_neighbours + 1, n))[1])
    own = torch.arange(n)[:, None].expand_as(nearest)
    # A pair as one number takes half the memory, and its numbers sort as pairs do.
    pairs = torch.unique((torch.minimum(own, nearest) * n + torch.maximum(own, nearest))[own != nearest])
    return torch.stack([pairs // n, pairs % n], dim=1)


@accepts_arrays
def on_edges(points: Tensor, edges: Tensor, n: int) -> Tensor:
    """Return evenly spaced points on edges, both ends included, shape ``(k, n, latent_dim)``."""
    start, end = points[edges[:, 0], None], points[edges[:, 1], None]
    share = torch.linspace(0, 1, n, dtype=points.dtype, device=points.device)[:, None]
    return (1 - share) * start + share * end


def field_on_edges(
    field: Callable[[Tensor], Tensor], points: Tensor, edges: Tensor, n: int, at_once: int
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the field at evenly spaced points of some edges after others, so that few are held at a time.

    Args:
        field: From points ``(k, latent_dim)`` to arrows, same shape.
        points: Shape ``(n, latent_dim)``.
        edges: Shape ``(k, 2)``.
        n: Points on each edge, both ends included.
        at_once: Points handed to ``field`` at a time, whichever edges they are on.

    Yields:
        Which edges, and the field on them, shape ``(edges, n, latent_dim)``.
    """
    d = points.shape[1]
    done, waiting = 0, torch.zeros(0, d, dtype=torch.float64)
    for begin in range(0, len(edges) * n, at_once):
        end = min(begin + at_once, len(edges) * n)
        first = begin // n
        places = on_edges(points, edges[first : (end - 1) // n + 1], n).flatten(0, 1)
        waiting = torch.cat([waiting, field(places[begin - first * n : end - first * n]).double()])
        whole = len(waiting) // n
        yield slice(done, done + whole), waiting[: whole * n].reshape(whole, n, d)
        done, waiting = done + whole, waiting[whole * n :]


@accepts_arrays
def edge_costs(points: Tensor, edges: Tensor, squares: Tensor, per_length: float) -> Tensor:
    """Return what each edge costs: the integral of the squared moves along it, and its length.

    Args:
        points: Shape ``(n, latent_dim)``.
        edges: Shape ``(k, 2)``.
        squares: ``|R(z) - z|^2`` at evenly spaced points of each edge, shape ``(k, m)``.
        per_length: From :func:`length_cost`.
    """
    length = (points[edges[:, 0]] - points[edges[:, 1]]).norm(dim=1)
    mean = torch.trapezoid(squares.double(), dim=1) / (squares.shape[1] - 1)
    costs: Tensor = length * (mean + per_length)
    return costs


@accepts_arrays
def partings(points: Tensor, edges: Tensor, field: Tensor) -> Tensor:
    """Return how far responses part along each edge: the mean of the field's slope in its direction where positive.

    Of the divergence, this is the part that an edge between two sides of a ridge runs into, and it takes no more
    responses than the cost does, however many latents there are.

    Args:
        points: Shape ``(n, latent_dim)``.
        edges: Shape ``(k, 2)``.
        field: ``R(z) - z`` at evenly spaced points of each edge, shape ``(k, m, latent_dim)``.

    Returns:
        Shape ``(k,)``, float64, for each unit; 0 for an edge without length.
    """
    across = (points[edges[:, 1]] - points[edges[:, 0]]).double()
    length = across.norm(dim=1)
    along = torch.einsum("kmd,kd->km", field.double(), across / length.clamp_min(1e-300)[:, None])
    slopes = (along[:, 1:] - along[:, :-1]) * (along.shape[1] - 1) / length.clamp_min(1e-300)[:, None]
    found: Tensor = torch.where(length > 0, slopes.clamp_min(0).mean(dim=1), 0.0)
    return found


def cheapest(edges: Tensor, costs: Tensor, n: int, start: int, end: int) -> Route:
    """Return the cheapest path between two nodes of a graph: Dijkstra 1959.

    Args:
        edges: Pairs of nodes, each pair once, shape ``(k, 2)``.
        costs: Of each, none negative, shape ``(k,)``.
        n: How many nodes there are.
        start: Number of the first node.
        end: Number of the last.

    Raises:
        WorkFailed: If no path joins them.
    """
    first, second = edges.numpy().T
    graph = csr_array((costs.numpy(), (first, second)), shape=(n, n))
    total, before = dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    if not np.isfinite(total[end]):
        raise WorkFailed(
            "no path joins the two ends on the graph of neighbours, which falls into parts; a greater "
            "'-s metric.n_neighbours' or '-s metric.n_samples' joins them"
        )
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(before[nodes[-1]]))
    return Route(torch.tensor(nodes[::-1]), float(total[end]))


@accepts_arrays
def evenly_spaced(path: Tensor, n: int) -> Tensor:
    """Return points on a path at even steps of its length, both ends included.

    Args:
        path: Its corners, shape ``(k, latent_dim)``.
        n: How many, at least 2.

    Returns:
        Shape ``(n, latent_dim)``; the same point again and again if the path has no length.
    """
    reached = torch.cat([path.new_zeros(1), (path[1:] - path[:-1]).norm(dim=1).cumsum(0)])
    at = torch.linspace(0, 1, n, dtype=path.dtype) * reached[-1]
    after = torch.searchsorted(reached, at).clamp(1, max(1, len(path) - 1))
    if len(path) == 1:
        return path.expand(n, -1)
    length = reached[after] - reached[after - 1]
    share = torch.where(length > 0, (at - reached[after - 1]) / length, 0.0)[:, None]
    return (1 - share) * path[after - 1] + share * path[after]
