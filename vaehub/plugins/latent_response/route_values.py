"""What is measured along a route: what the path minimises, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vaehub import Batch, Dataset, LatentModel, Posterior, Sample
from vaehub.analysis import decode
from vaehub.plugins.latent_response.kernels import (
    VALUES_AT_ONCE,
    divergence_at,
    evenly_spaced,
    label_changes,
    log_density,
    nearest_observations,
    own_rate,
    smoothing_variance,
)
from vaehub.plugins.latent_response.responses import responding
from vaehub.plugins.latent_response.spaces import Space

COMPARED_AT = 200
"""Evenly spaced points of each route at which it is measured."""
RELATIVE = (
    "length",
    "mean_square_move",
    "greatest_move",
    "integral",
    "observed_length",
    "greatest_step",
    "mean_data_distance",
)
"""Values of the path that are also given relative to the line; the others may be negative, or 0."""


@dataclass(frozen=True)
class Surroundings:
    """What routes are compared with.

    Attributes:
        observations: With labels or without.
        mu: Where their posteriors are in the space of the path, shape ``(n, m)``.
        variance: Variances of their posteriors there, same shape or one row.
    """

    observations: Dataset
    mu: Tensor
    variance: Tensor


def surroundings(sample: Sample, space: Space, narrowest: float) -> Surroundings:
    """Return what routes are compared with; posteriors are as wide as ``narrowest``, squared, at least."""
    posterior: Posterior = sample.posterior
    mu = space.within(posterior.mu).double()
    variance = smoothing_variance(mu) if posterior.logvar is None else space.within(posterior.logvar).double().exp()
    return Surroundings(sample.data, mu, variance.clamp_min(narrowest**2))


@dataclass(frozen=True)
class Ruler:
    """Measures routes.

    Attributes:
        model: The model.
        space: Where routes are.
        around: What they are compared with.
        step: Of differences, in the latents' unit.
        n_frames: Points of each route that are shown.
        at_once: Latents that go through the model together.
    """

    model: LatentModel
    space: Space
    around: Surroundings
    step: float
    n_frames: int
    at_once: int

    def along(self, name: str, route: Tensor) -> tuple[dict[str, float], dict[str, Tensor]]:
        """Return the values of a route, and what of it is kept.

        Args:
            name: Of the route.
            route: Its corners, shape ``(k, m)``.
        """
        points = evenly_spaced(route, COMPARED_AT)
        n_axes = 2 * points.shape[1] + 1
        with responding(self.model, name, len(points) * n_axes * self.space.n_rest) as respond:
            moves = self.space.field(respond, points, self.at_once).norm(dim=1)
            slopes = divergence_at(lambda at: self.space.field(respond, at, self.at_once), points, self.step)
        length = float((route[1:] - route[:-1]).norm(dim=1).sum())
        shown = self.decoded(evenly_spaced(route, self.n_frames))
        steps = (shown[1:] - shown[:-1]).flatten(1).double().norm(dim=1)
        density = log_density(points, self.around.mu, self.around.variance)
        values = {
            "length": length,
            "mean_square_move": float(moves.square().mean()),
            "greatest_move": float(moves.max()),
            "integral": length * float(moves.square().mean()),
            "observed_length": float(steps.sum()),
            "greatest_step": float(steps.max()),
            "mean_divergence": float(slopes.mean()),
            "repelling_rate": float((slopes > 0).double().mean()),
            "mean_log_density": float(density.mean()),
            "least_log_density": float(density.min()),
            **self._beside_data(points),
        }
        kept = {name: self.space.whole(route), f"{name}_moves": moves, f"{name}_frames": shown}
        return values, kept | {f"{name}_divergence": slopes, f"{name}_log_density": density}

    def decoded(self, points: Tensor) -> Tensor:
        """Return what points of the space decode to."""
        return decode(self.model, self.space.whole(points), at_once=self.at_once)

    def _beside_data(self, points: Tensor) -> dict[str, float]:
        """Return how far from observations a route is decoded, and between which labels it goes to and fro."""
        data, decoded = self.around.observations, self.decoded(points)
        nearest = nearest_observations(decoded, (batch.x for batch in _batches(data)))
        found = {
            "mean_data_distance": float(nearest.distance.mean()),
            "greatest_data_distance": float(nearest.distance.max()),
        }
        if data.labels is None:
            return found
        labels = data.labels.cpu()
        seen = labels[nearest.row]
        is_own = torch.split(torch.isin(labels, seen[[0, -1]]).to(data.device), _at_once(data))
        own = (batch.x[chosen] for batch, chosen in zip(_batches(data), is_own, strict=True))
        return found | {
            "own_label_distance": float(nearest_observations(decoded, own).distance.mean()),
            "own_label_rate": own_rate(seen),
            "label_changes": label_changes(seen),
        }


def _at_once(data: Dataset) -> int:
    """Return how many observations are compared with at a time."""
    return max(1, VALUES_AT_ONCE // data.spec.n_values)


def _batches(data: Dataset) -> Iterator[Batch]:
    return data.batches(_at_once(data))


def ratios(path: Mapping[str, float], line: Mapping[str, float]) -> dict[str, float]:
    """Return values of the path divided by those of the line; ``nan`` where the line has 0."""
    return {f"{name}_ratio": path[name] / line[name] if line[name] > 0 else float("nan") for name in RELATIVE}
