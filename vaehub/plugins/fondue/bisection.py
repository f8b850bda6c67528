"""Searches for the greatest number whose gap is within a threshold. Nothing here knows how a gap is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from vaehub import VaehubError

DIGITS = 6
"""Significant digits of a beta: enough to tell betas apart, and few enough to type."""

N = TypeVar("N", int, float)


class Visit(NamedTuple, Generic[N]):
    """One number that was tried.

    Attributes:
        n: The number.
        gap: Its gap.
        lower: Greatest number known to be within the threshold, after this one; the floor of the search if none is.
        upper: Least number known to exceed it, after this one; infinite, or the ceiling of the search, if none is.
    """

    n: N
    gap: float
    lower: float
    upper: float


class Search(NamedTuple, Generic[N]):
    """Result of a search: ``answer, visited = search(...)``.

    Attributes:
        answer: Greatest number whose gap is at most the threshold, if gaps grow; 0 if even the least exceeds it.
        visited: Numbers in the order in which they were first tried, each once.
    """

    answer: N
    visited: tuple[Visit[N], ...]

    @property
    def reached_maximum(self) -> bool:
        """Whether no gap exceeded the threshold, so that the answer is no more than where the search was stopped."""
        return self.answer == max(visit.n for visit in self.visited)

    @property
    def is_monotone(self) -> bool:
        """Whether no gap is below that of a lesser number."""
        return is_monotone((visit.n, visit.gap) for visit in self.visited)


def is_monotone(gaps: Iterable[tuple[float, float]]) -> bool:
    """Return whether gaps never fall as numbers grow; pairs of a number and its gap come in any order."""
    in_order = [gap for _, gap in sorted(gaps)]
    return in_order == sorted(in_order)


def search(gap: Callable[[int], float], start: float, threshold: float = 1.0, maximum: int = 1024) -> Search[int]:
    """Return the greatest number of latents whose gap is at most a threshold.

    Bonheme 2023, Algorithm 1: doubles until a gap exceeds the threshold, then halves what is left. It needs no more
    than that gaps grow; where they do not, it still ends, with a number whose gap is within the threshold and whose
    successor's is not. Departures: a number that is not whole is rounded up, and no model greater than a maximum is
    tried, since nothing in the algorithm keeps it from doubling for ever.

    Args:
        gap: Gap of a model with so many latents, at least 1; asked once for each number.
        start: Where to start, at least 1: an intrinsic dimension of the data.
        threshold: In the unit of the gap.
        maximum: Greatest number that is tried.

    Returns:
        Answer and visits. Answer 0 if the gap of 1 exceeds the threshold; ``reached_maximum`` if that of ``maximum``
        does not.

    Raises:
        VaehubError: If a gap is NaN, or the start is not between 1 and the maximum.
    """
    if not 0 < start <= maximum:
        raise VaehubError(f"a search starts between 1 and its maximum, which is {maximum}, and not from {start:g}")
    lower, upper, n = 0, math.inf, math.ceil(start)
    visited: dict[int, Visit[int]] = {}
    while n != lower:
        # Only the least number that is too great is ever come back to, and nothing new is learned from it.
        found = visited[n].gap if n in visited else _known(n, gap(n))
        if found <= threshold:
            lower, after = n, int(min(2 * n, upper, maximum))
        else:
            upper, after = n, (lower + n) // 2
        visited.setdefault(n, Visit(n, found, lower, upper))
        n = after
    return Search(lower, tuple(visited.values()))


def supervised_search(gap: Callable[[int], float], threshold: float = 1.0, upper: int = 200) -> Search[int]:
    """Return the greatest number of latents whose gap is at most a threshold, without a start.

    Bonheme 2023, Algorithms 7 and 8: halves the range from 1 to a number that is taken to be too great.

    Args:
        gap: Gap of a model with so many latents, at least 1; asked once for each number.
        threshold: In the unit of the gap.
        upper: Number that all tried numbers stay below, at least 2.

    Returns:
        Answer and visits. Answer 0 if the gap of 1 exceeds the threshold; ``reached_maximum`` if that of ``upper - 1``
        does not.

    Raises:
        VaehubError: If a gap is NaN, or there is nothing below ``upper``.
    """
    if upper < 2:
        raise VaehubError(f"a supervised search tries numbers from 1 to below its upper one, which is {upper}")
    low, high = 1, upper
    visited: list[Visit[int]] = []
    while low < high:
        n = (low + high) // 2
        found = _known(n, gap(n))
        low, high = (n + 1, high) if found <= threshold else (low, n)
        visited.append(Visit(n, found, low - 1, high))
    return Search(low - 1, tuple(visited))


def ratio_search(
    gap: Callable[[float], float], lower: float, upper: float, threshold: float = 1.0, *, tolerance: float = 0.05
) -> Search[float]:
    """Return the greatest positive number, such as a beta, whose gap is at most a threshold.

    The wish of Bonheme 2023, Section 8.9: the bisection of Algorithm 8, on a logarithmic scale. Both ends are
    tried first, since numbers between them say nothing if both are on one side of the threshold.

    Args:
        gap: Gap of a number; asked once for each.
        lower: Least number, above 0.
        upper: Greatest number.
        threshold: In the unit of the gap.
        tolerance: The search ends when the least number that is too great exceeds the answer by this share at most.

    Returns:
        Answer and visits. Answer 0 after one visit if ``lower`` exceeds the threshold; ``upper`` after two, with
        ``reached_maximum``, if that does not.

    Raises:
        VaehubError: If a gap is NaN, or the range is empty.
    """
    if not 0 < lower < upper:
        raise VaehubError(
            f"a search goes from a lower number above 0 to a greater one, and not from {lower:g} to {upper:g}"
        )
    low, high = 0.0, math.inf
    visited: list[Visit[float]] = []
    for at in (lower, upper):
        found = _known(at, gap(at))
        low, high = (at, high) if found <= threshold else (low, at)
        visited.append(Visit(at, found, low, high))
        if (at == lower) != (found <= threshold):
            return Search(low, tuple(visited))
    while high > low * (1 + tolerance):
        at = float(f"{math.sqrt(low * high):.{DIGITS}g}")
        if at in (low, high):
            break  # a tolerance below the last digit
        found = _known(at, gap(at))
        low, high = (at, high) if found <= threshold else (low, at)
        visited.append(Visit(at, found, low, high))
    return Search(low, tuple(visited))


def _known(n: float, gap: float) -> float:
    if math.isnan(gap):
        raise VaehubError(f"the gap at {n:g} is NaN, and no search can go on from there")
    return gap
