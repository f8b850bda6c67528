"""Endpoints of a path."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, VaehubError
from vaehub.plugins.latent_response.params import LatentPathParams

MARGIN = 0.1
"""How far the grid reaches beyond the data on each side, relative to their range."""
LEAST_MARGIN = 0.1
"""The same in the latents' unit, where they hardly vary."""


def is_on_grid(params: LatentPathParams, latent_dim: int) -> bool:
    """Return whether the path is searched for on a grid, and not among samples."""
    return params.on == "grid" or (params.on == "auto" and (latent_dim == 2 or params.latents is not None))


def plane_of(params: LatentPathParams) -> tuple[int, int]:
    """Return the two latents of the grid."""
    return params.latents or (0, 1)


def extent_of(metric: str, params: LatentPathParams, means: Tensor, ends: Tensor) -> tuple[float, float, float, float]:
    """Return what the grid reaches over: as given, or all posterior means and both ends, and a little more.

    Args:
        metric: Name of the metric, for what is refused.
        params: With the extent.
        means: Posterior means on the plane, shape ``(n, 2)``.
        ends: Start and end on the plane, shape ``(2, 2)``.
    """
    if params.extent != "auto":
        for name, end in zip(("start", "end"), ends, strict=True):
            _check_inside(metric, params.extent, name, end.tolist())
        return params.extent
    every = torch.cat([means.double(), ends.double()])
    low, high = every.amin(dim=0), every.amax(dim=0)
    margin = (MARGIN * (high - low)).clamp_min(LEAST_MARGIN)
    (a, b), (c, d) = (low - margin).tolist(), (high + margin).tolist()
    return a, c, b, d


def check_ends(metric: str, params: LatentPathParams, split: Dataset, latent_dim: int) -> None:
    """Refuse rows beyond the last, and points with another number of latents or outside the grid."""
    for name, end in (("start", params.start), ("end", params.end)):
        if isinstance(end, int) and end >= len(split):
            raise DataError(
                f"metric {metric!r} was given row {end} as {name}, and the split {params.split!r} has rows 0 to "
                f"{len(split) - 1}"
            )
        if isinstance(end, tuple) and len(end) != latent_dim:
            raise VaehubError(
                f"metric {metric!r} was given a point of {len(end)} values as {name}, and this model has "
                f"{latent_dim} latents"
            )
        if isinstance(end, tuple) and is_on_grid(params, latent_dim) and params.extent != "auto":
            _check_inside(metric, params.extent, name, [end[latent] for latent in plane_of(params)])


def _check_inside(metric: str, extent: Sequence[float], name: str, point: Sequence[float]) -> None:
    """Refuse a point outside the grid."""
    low, high, left, right = extent
    a, b = point
    if not (low <= a <= high and left <= b <= right):
        raise VaehubError(
            f"metric {metric!r} has its {name} at ({a:.3g}, {b:.3g}), outside the grid, which reaches from {low:g} "
            f"to {high:g} and from {left:g} to {right:g}; '-s metric.extent=auto' covers the data"
        )


def ends_of(model: LatentModel, split: Dataset, params: LatentPathParams, random: torch.Generator) -> Tensor:
    """Return start and end, shape ``(2, latent_dim)``: points as given, or posterior means of observations."""
    start_row = _row(params.start, split, params.end if isinstance(params.end, int) else None, random)
    end_row = _row(params.end, split, start_row, random)
    points = []
    for given, row in ((params.start, start_row), (params.end, end_row)):
        if row is None:
            points.append(torch.tensor(given, dtype=torch.float64))
        else:
            points.append(model.encode_all(split.subset(torch.tensor([row]))).checked().mu[0].double())
    return torch.stack(points)


def _row(
    given: int | tuple[float, ...] | str, split: Dataset, other: int | None, random: torch.Generator
) -> int | None:
    """Return the row of an end; ``None`` if it is a point.

    A random one differs from the other end, also in its label where labels are known and there is more than one.
    """
    if isinstance(given, tuple):
        return None
    if isinstance(given, int):
        return given
    allowed = torch.ones(len(split), dtype=torch.bool)
    if other is not None:
        allowed[other] = False
        labels = None if split.labels is None else split.labels.cpu()
        if labels is not None and bool((labels != labels[other]).any()):
            allowed = labels != labels[other]
    rows = allowed.nonzero()[:, 0]
    return int(rows[torch.randint(len(rows), (), generator=random)])
