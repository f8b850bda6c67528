"""The way from one observation to another that stays where the data are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Sample, Table, VaehubError
from vaehub.plugins.latent_response.endpoints import check_ends, ends_of, extent_of, is_on_grid, plane_of
from vaehub.plugins.latent_response.kernels import (
    aggregate_density,
    cheapest,
    divergence,
    edge_costs,
    evenly_spaced,
    field_on_edges,
    grid_axes,
    grid_path,
    length_cost,
    neighbour_edges,
    partings,
    repulsion_cost,
)
from vaehub.plugins.latent_response.params import LatentPathParams
from vaehub.plugins.latent_response.responses import (
    check_grid,
    check_plane,
    codes_at_once,
    posteriors_at,
    responding,
    responses_to,
)
from vaehub.plugins.latent_response.route_values import Ruler, Surroundings, ratios, surroundings
from vaehub.plugins.latent_response.spaces import AllLatents, Plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP = 0.05
"""Of differences among samples, in mean deviations of latents."""
SHOWN = 3
"""Values of an observation up to which all that are drawn are kept, to be drawn."""


@final
class LatentPath(ModelMetric[LatentPathParams]):
    """The path along which responses move least, beside the straight line: Leeb et al. 2021, Section 5 and Figure 3.

    The paper searches on a grid over two latents, and has published neither code nor temperature. Its cost is low on
    ridges between parts of the data too, so that paths follow these; here positive divergence, which they have, costs
    as well. Beyond the paper, the path is searched for on a graph of neighbours among samples, in any number of
    dimensions.
    """

    computes_much = True
    needs = Needs(decoder=True, x_only=True, observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a grid without its two latents, and endpoints that do not exist or are not on the grid."""
        params, d = self.params, model.latent_dim
        if params.on == "samples" and params.latents is not None:
            raise VaehubError(
                f"metric {self.name!r} was given the latents of a plane, and a path among samples takes all; leave "
                "'metric.latents' out, or search with '-s metric.on=grid'"
            )
        if params.on == "grid" and params.latents is None and d != 2:
            raise VaehubError(
                f"metric {self.name!r} searches a grid over 2 latents, and this model has {d}; "
                "'-s metric.latents=[0,1]' names two, and '-s metric.on=samples' takes any number"
            )
        if is_on_grid(params, d):
            check_plane(self.name, plane_of(params), d)
            check_grid(self.name, params.size, None if params.extent == "auto" else params.extent)
        check_ends(self.name, params, self.draw_observations(data, "all").data, d)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both routes, what they decode to, and how far each leaves the data."""
        split, at_once = self.draw_observations(data, "all").data, codes_at_once(data.spec)
        ends = ends_of(model, split, self.params, self.generator("ends"))
        sample = self.draw(model, data)
        if is_on_grid(self.params, model.latent_dim):
            path, ruler, arrays = self._over_grid(model, sample, ends, at_once)
        else:
            path, ruler, arrays = self._over_samples(model, sample, ends, at_once)
        routes = {"path": path, "line": path[[0, -1]]}
        columns = []
        for name, route in routes.items():
            values, kept = ruler.along(name, route)
            columns.append(values)
            arrays |= kept
        table = Table({"route": list(routes)}, {name: [each[name] for each in columns] for name in columns[0]})
        return Result(scalars={**ratios(*columns), "n_samples": sample.n}, tables={"routes": table}, arrays=arrays)

    def _over_grid(
        self, model: LatentModel, sample: Sample, ends: Tensor, at_once: int
    ) -> tuple[Tensor, Ruler, dict[str, Tensor]]:
        """Return the path on a grid, its ends the nearest grid points, and the grid."""
        params = self.params
        plane, size = self._plane(sample, ends), params.size
        within = plane.within(ends)
        extent = extent_of(self.name, params, plane.within(sample.posterior.mu), within)
        first, second = grid_axes(extent, size, size)
        points = torch.stack([first.repeat_interleave(size), second.repeat(size)], dim=1)
        with responding(model, "grid", size**2 * len(plane.rest)) as respond:
            field = plane.field(respond, points, at_once).reshape(size, size, 2)
        squares, slopes = field.square().sum(dim=-1), divergence(field, extent)
        added = repulsion_cost(squares, slopes, params.repulsion)
        path, _ = grid_path(squares, extent, within[0].tolist(), within[1].tolist(), params.temperature, added=added)
        step = max(extent[1] - extent[0], extent[3] - extent[2]) / (size - 1)
        around = surroundings(sample, plane, step / 2)
        ruler = Ruler(model, plane, around, step, params.n_frames, at_once)
        density = aggregate_density(first, second, around.mu, around.variance)
        grid = {"first": first, "second": second, "moves": squares.sqrt(), "divergence": slopes, "density": density}
        return path, ruler, grid | {"plane": torch.tensor(plane.latents)} | _shown(around, ruler)

    def _plane(self, sample: Sample, ends: Tensor) -> Plane:
        """Return the plane of the grid."""
        params, latents, start = self.params, plane_of(self.params), ends[0].double()
        if params.rest == "start" or len(start) == 2:
            return Plane(latents, start, start[None])
        n = params.n_rest if params.rest == "average" else 1
        chosen = torch.randint(len(sample.posterior.mu), (n,), generator=self.generator("rest"))
        rest = posteriors_at(sample.posterior, chosen).sample(self.generator("noise", "rest")).double()
        return Plane(latents, start if params.rest == "average" else rest[0], rest)

    def _over_samples(
        self, model: LatentModel, sample: Sample, ends: Tensor, at_once: int
    ) -> tuple[Tensor, Ruler, dict[str, Tensor]]:
        """Return the path on the graph of neighbours among samples, and the samples.

        Points of the straight line belong to the graph, so that no path is taken that costs more than the line.
        """
        params, space = self.params, AllLatents()
        samples = sample.mu if params.nodes == "means" else sample.z
        if params.nodes == "responses":
            with responding(model, "nodes", len(samples)) as respond:
                samples = responses_to(respond, samples, at_once)
        n = params.n_frames
        points = torch.cat([evenly_spaced(ends, n), samples])
        on_line = torch.stack([torch.arange(n - 1), torch.arange(1, n)], dim=1)
        edges = torch.unique(torch.cat([on_line, neighbour_edges(points, params.n_neighbours)]), dim=0)
        # The field on all edges would be many times the samples; of it, one square for each of its points is kept.
        n_points = params.edge_points
        squares = torch.empty(len(edges), n_points, dtype=torch.float64)
        parting = torch.empty(len(edges), dtype=torch.float64)
        with responding(model, "edges", len(edges) * n_points) as respond:
            in_space = partial(space.field, respond, at_once=at_once)
            for some, field in field_on_edges(in_space, points, edges, n_points, at_once):
                squares[some] = field.square().sum(dim=2)
                parting[some] = partings(points, edges[some], field)
        costs = edge_costs(points, edges, squares, length_cost(squares, params.temperature))
        length = (points[edges[:, 0]] - points[edges[:, 1]]).norm(dim=1)
        costs = costs + length * repulsion_cost(squares, parting, params.repulsion)
        # Steps of differences are short relative to what latents vary by, and long relative to rounding.
        step = STEP * float(sample.mu.double().std(dim=0).mean().clamp_min(1e-3))
        ruler = Ruler(model, space, surroundings(sample, space, step / 2), step, n, at_once)
        return points[cheapest(edges, costs, len(points), 0, n - 1).nodes], ruler, {"samples": samples}

    def plot(self, result: Result) -> Figure:
        """Return both routes, how far the response moves along them, and what they decode to."""
        from vaehub.plugins.latent_response.path_plots import paths

        return paths(result)


def _shown(around: Surroundings, ruler: Ruler) -> dict[str, Tensor]:
    """Return observations and what their posterior means decode to, if they have so few values that both are drawn."""
    data = around.observations
    if len(data.spec.shape) != 1 or data.spec.n_values > SHOWN:
        return {}
    return {"observations": data.x, "reconstructions": ruler.decoded(around.mu)}
