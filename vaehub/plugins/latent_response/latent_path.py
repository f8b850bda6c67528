"""The way from one observation to another that stays where the data are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Table, VaehubError
from vaehub.analysis import decode
from vaehub.plugins.latent_response.endpoints import check_ends, ends_of, is_on_grid
from vaehub.plugins.latent_response.kernels import (
    cheapest,
    edge_costs,
    evenly_spaced,
    grid_axes,
    grid_path,
    length_cost,
    neighbour_edges,
    on_edges,
    response_field,
)
from vaehub.plugins.latent_response.params import LatentPathParams
from vaehub.plugins.latent_response.responses import check_grid, codes_at_once, responding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARED_AT = 200
"""Evenly spaced points of each route at which the move of the response is measured."""


@final
class LatentPath(ModelMetric[LatentPathParams]):
    """The path along which responses move least, beside the straight line: Leeb et al. 2021, Section 5 and Figure 3.

    The paper searches on a grid over two latents, and has published neither code nor temperature. Beyond it, the path
    is searched for on a graph of neighbours among samples, in any number of dimensions.
    """

    needs = Needs(decoder=True, x_only=True, observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a grid over other than two latents, and endpoints that do not exist or are not on the grid."""
        if self.params.on == "grid" and model.latent_dim != 2:
            raise VaehubError(
                f"metric {self.name!r} searches a grid over 2 latents, and this model has {model.latent_dim}; "
                "'-s metric.on=samples' takes any number"
            )
        if is_on_grid(self.params, model.latent_dim):
            check_grid(self.name, self.params.size, self.params.extent)
        check_ends(self.name, self.params, self.draw_observations(data, "all").data, model.latent_dim)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both routes, what they decode to, and how far each leaves the data."""
        split, at_once = self.draw_observations(data, "all").data, codes_at_once(data.spec)
        ends = ends_of(self.name, model, split, self.params, self.generator("ends"))
        n_samples = 0
        if is_on_grid(self.params, model.latent_dim):
            path, arrays = self._over_grid(model, ends, at_once)
        else:
            path, arrays = self._over_samples(model, data, ends, at_once)
            n_samples = len(arrays["samples"])
        scalars, table, frames = self._compared(model, {"path": path, "line": path[[0, -1]]}, at_once)
        return Result(
            scalars={**scalars, "n_samples": n_samples}, tables={"routes": table}, arrays={**arrays, **frames}
        )

    def _over_grid(self, model: LatentModel, ends: Tensor, at_once: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the path on a grid, its ends the nearest grid points, and the grid."""
        extent, size = self.params.extent, self.params.size
        first, second = grid_axes(extent, size, size)
        with responding(model, "grid", size**2) as respond:
            field = response_field(respond, first, second, torch.zeros(1, 2), at_once=at_once)
        squares = field.square().sum(dim=-1)
        path, _ = grid_path(squares, extent, ends[0].tolist(), ends[1].tolist(), self.params.temperature)
        return path, {"first": first, "second": second, "moves": squares.sqrt()}

    def _over_samples(
        self, model: LatentModel, data: Dataset, ends: Tensor, at_once: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the path on the graph of neighbours among samples, and the samples.

        Points of the straight line belong to the graph, so that no path is taken that costs more than the line.
        """
        sample = self.draw(model, data)
        samples = sample.mu if self.params.nodes == "means" else sample.z
        if self.params.nodes == "responses":
            with responding(model, "nodes", len(samples)) as respond:
                samples = torch.cat([respond(block) for block in torch.split(samples, at_once)])
        n = self.params.n_frames
        points = torch.cat([evenly_spaced(ends, n), samples])
        on_line = torch.stack([torch.arange(n - 1), torch.arange(1, n)], dim=1)
        edges = torch.unique(torch.cat([on_line, neighbour_edges(points, self.params.n_neighbours)]), dim=0)
        places = on_edges(points, edges, self.params.edge_points)
        codes = places.flatten(0, 1)
        with responding(model, "edges", len(codes)) as respond:
            squares = torch.cat([(respond(block) - block).square().sum(dim=1) for block in torch.split(codes, at_once)])
        squares = squares.reshape(places.shape[:2])
        costs = edge_costs(points, edges, squares, length_cost(squares, self.params.temperature))
        return points[cheapest(edges, costs, len(points), 0, n - 1).nodes], {"samples": samples}

    def _compared(
        self, model: LatentModel, routes: Mapping[str, Tensor], at_once: int
    ) -> tuple[dict[str, float], Table, dict[str, Tensor]]:
        """Return the path relative to the line, lengths and moves of both, and both routes with their frames."""
        arrays: dict[str, Tensor] = {}
        columns: list[dict[str, float]] = []
        for name, route in routes.items():
            points = evenly_spaced(route, COMPARED_AT)
            with responding(model, name, len(points)) as respond:
                moves = (respond(points) - points).norm(dim=1)
            length = float((route[1:] - route[:-1]).norm(dim=1).sum())
            frames = decode(model, evenly_spaced(route, self.params.n_frames), at_once=at_once)
            steps = (frames[1:] - frames[:-1]).flatten(1).double().norm(dim=1)
            columns.append(
                {
                    "length": length,
                    "mean_square_move": float(moves.square().mean()),
                    "greatest_move": float(moves.max()),
                    "integral": length * float(moves.square().mean()),
                    "observed_length": float(steps.sum()),
                    "greatest_step": float(steps.max()),
                }
            )
            arrays |= {name: route, f"{name}_moves": moves, f"{name}_frames": frames}
        table = Table({"route": list(routes)}, {name: [each[name] for each in columns] for name in columns[0]})
        path, line = columns
        return _ratios(path, line), table, arrays

    def plot(self, result: Result) -> Figure:
        """Return both routes, how far the response moves along them, and what they decode to."""
        from vaehub.plugins.latent_response.field_plots import paths

        return paths(result)


def _ratios(path: Mapping[str, float], line: Mapping[str, float]) -> dict[str, float]:
    """Return the values of the path divided by those of the line; ``nan`` where the line has 0."""
    return {f"{name}_ratio": path[name] / line[name] if line[name] > 0 else float("nan") for name in path}
