"""Where curves over numbers of latents bend, and where accuracy is high and steady."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vaehub import VaehubError
from vaehub.analysis import Array

ROUNDING = 1e-9
"""Distance of a curve from its chord in units of its range, and difference of two standard deviations of accuracies,
that are no more than rounding."""


class Knee(NamedTuple):
    """Where a curve bends.

    Attributes:
        at: On the axis of the curve; ``nan`` if it has no knee.
        distance: From the chord there, in units of the curve's range, in [0, 1].
        reason: Why there is none; empty if there is.
    """

    at: float
    distance: float
    reason: str


def knee(x: Sequence[float], y: Sequence[float], *, falls: bool) -> Knee:
    """Return the knee of a curve that falls, or rises, ever more slowly.

    Satopää et al. 2011 (Kneedle), without smoothing: the point of the normalised curve that is farthest from the chord
    between its ends, on the side to which such a curve bends.

    Args:
        x: Places, growing, such as numbers of latents.
        y: The curve there.
        falls: Whether less is better, as of errors; more is, as of accuracies, if not.

    Returns:
        The first such point; ``nan``, with the reason, if there are fewer than three points, a value is not finite, or
        the curve is flat, goes the other way, or bends to the other side.

    Raises:
        VaehubError: If lengths differ, or places do not grow.
    """
    places, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if places.ndim != 1 or places.shape != values.shape or bool((np.diff(places) <= 0).any()):
        raise VaehubError(f"a curve has a value at each of some growing places, got {len(values)} at {list(x)}")
    if len(places) < 3:
        return _no_knee("it has fewer than three points")
    if not (np.isfinite(values).all() and np.isfinite(places).all()):
        return _no_knee("some of its values are not finite")
    span = float(np.ptp(values))
    if span == 0:
        return _no_knee("it is flat")
    heights = (values.max() - values if falls else values - values.min()) / span
    along = (places - places[0]) / (places[-1] - places[0])
    if heights[-1] <= heights[0]:
        return _no_knee(f"it does not {'fall' if falls else 'rise'} from one end to the other")
    distances = heights - (heights[0] + (heights[-1] - heights[0]) * along)
    farthest = int(distances.argmax())
    if distances[farthest] <= ROUNDING:
        return _no_knee("it does not become flatter")
    return Knee(float(places[farthest]), float(distances[farthest]), "")


def _no_knee(reason: str) -> Knee:
    return Knee(math.nan, math.nan, reason)


class Steadiest(NamedTuple):
    """The number of latents whose accuracy is high and steady.

    Attributes:
        at: The number; ``nan`` if there is none.
        reason: Why there is none; empty if there is.
    """

    at: float
    reason: str


def steadiest(x: Sequence[float], accuracies: Array) -> Steadiest:
    """Return the number of latents with the least variance of accuracy among those of the highest mean accuracy.

    Mai Ngoc & Hwang 2020, as Bonheme 2023, Section 8.2.5, has it: the number of latents "with the smallest
    classification variance and the highest accuracy", over models trained with different seeds. Which of both decides
    where they disagree is not said there. Ours: a mean counts as the highest if it is within one standard error of it
    (the rule of Breiman et al. 1984, Section 3.4.3), of these the least variance decides, and of equal ones the fewest
    latents.

    Args:
        x: Numbers of latents, growing.
        accuracies: Of each number and each training, in [0, 1], shape ``(len(x), n_trainings)``.

    Returns:
        The number; ``nan``, with the reason, of fewer than two trainings each, or where a value is not finite.

    Raises:
        VaehubError: If shapes differ, or numbers do not grow.
    """
    places, values = np.asarray(x, dtype=np.float64), np.asarray(accuracies, dtype=np.float64)
    if values.ndim != 2 or places.shape != values.shape[:1] or not len(places) or bool((np.diff(places) <= 0).any()):
        raise VaehubError(
            f"accuracies have a row for each of some growing numbers of latents, got shape {values.shape} for {list(x)}"
        )
    if values.shape[1] < 2:
        return Steadiest(math.nan, "there is one training of each number")
    if not np.isfinite(values).all():
        return Steadiest(math.nan, "some accuracies are not finite")
    means, deviations = values.mean(axis=1), values.std(axis=1, ddof=1)
    best = int(means.argmax())
    error = deviations[best] / math.sqrt(values.shape[1])
    deviations[means < means[best] - error - ROUNDING] = math.inf
    return Steadiest(float(places[deviations <= deviations.min() + ROUNDING][0]), "")
