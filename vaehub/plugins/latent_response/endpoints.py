"""Endpoints of a path."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, VaehubError
from vaehub.plugins.latent_response.params import LatentPathParams


def is_on_grid(params: LatentPathParams, latent_dim: int) -> bool:
    """Return whether the path is searched for on a grid, and not among samples."""
    return params.on == "grid" or (params.on == "auto" and latent_dim == 2)


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
        if isinstance(end, tuple) and is_on_grid(params, latent_dim):
            check_inside(metric, params, name, end)


def check_inside(metric: str, params: LatentPathParams, name: str, point: Sequence[float]) -> None:
    """Refuse a point outside the grid."""
    low, high, left, right = params.extent
    a, b = point
    if not (low <= a <= high and left <= b <= right):
        raise VaehubError(
            f"metric {metric!r} has its {name} at ({a:.3g}, {b:.3g}), outside the grid, which reaches from {low:g} "
            f"to {high:g} and from {left:g} to {right:g}; '-s metric.extent=[least,greatest,least,greatest]' moves it"
        )


def ends_of(
    metric: str, model: LatentModel, split: Dataset, params: LatentPathParams, random: torch.Generator
) -> Tensor:
    """Return start and end, shape ``(2, latent_dim)``: points as given, or posterior means of observations."""
    start_row = _row(params.start, split, None, random)
    end_row = _row(params.end, split, start_row, random)
    points = []
    for name, given, row in (("start", params.start, start_row), ("end", params.end, end_row)):
        if row is None:
            points.append(torch.tensor(given, dtype=torch.float64))
            continue
        points.append(model.encode_all(split.subset(torch.tensor([row]))).checked().mu[0])
        if is_on_grid(params, model.latent_dim):
            check_inside(metric, params, name, points[-1].tolist())
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
