"""Labels and factors beside observations, and the observations that lack something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Factors
from vaehub.files import Classes, classes_of, factors_of, is_missing
from vaehub.plugins.datasets.own.params import AnnotationParams

MANY = 20
"""Values of a factor or classes up to which nobody wonders that each has a class of its own."""


@dataclass(frozen=True)
class Annotation:
    """What is known of observations besides their values.

    Attributes:
        rows: Ascending numbers of the observations that are left; ``None`` if all are.
        labels: Class of each, shape ``(n,)``; ``None`` without labels.
        class_names: Name of each class.
        factors: Factors of each.
        notes: What the user should know.
    """

    rows: NDArray[np.int64] | None
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...] | None
    factors: Factors | None
    notes: tuple[str, ...]


def annotation_of(
    params: AnnotationParams,
    path: Path,
    *,
    kind: str = "",
    labels: tuple[str, NDArray[Any]] | None,
    factors: Mapping[str, NDArray[Any]],
    incomplete: Mapping[str, NDArray[np.bool_]],
) -> Annotation:
    """Return labels and factors as classes, of the observations that lack nothing.

    Args:
        params: What is done with missing values and with factors of many values.
        path: The file.
        kind: What messages call the thing that has a name, such as ``column``.
        labels: Name and values of the labels; ``None`` without.
        factors: Values of each factor.
        incomplete: Which observations have a missing value, by name of what they are made of.

    Raises:
        DataError: If something is missing and not to be left out, or values are no classes.
    """
    where = f"{path}, {kind} " if kind else f"{path}, "
    lacking = dict(incomplete)
    if labels is not None:
        lacking[labels[0]] = _classes(labels, where).missing
    lacking |= {name: is_missing(values) for name, values in factors.items()}
    lacking = {name: mask for name, mask in lacking.items() if mask.any()}
    rows, notes = None, []
    if lacking:
        left_out = np.logical_or.reduce(list(lacking.values()))
        if params.missing == "refuse":
            raise DataError(_refusal(where, lacking, labels, factors))
        rows = np.flatnonzero(~left_out)
        notes.append(f"{left_out.sum():,} of {len(left_out):,} rows are left out, with {_counts(lacking)} missing")
        if not len(rows):
            raise DataError(f"{path} has no row without a missing value ({_counts(lacking)}); fill or drop them")
    codes = names = None
    if labels is not None:
        codes, names, _ = _classes((labels[0], _left(labels[1], rows)), where)
        notes += _many(f"the labels, {labels[0]!r},", len(names), len(codes), remedy="")
    known = None
    if factors:
        left = {name: _left(values, rows) for name, values in factors.items()}
        known = factors_of(left, bins=params.bins, cut=params.cut)
    if known is not None:
        for name, size in zip(known.names, known.sizes, strict=True):
            notes += _many(f"factor {name!r}", size, len(known), remedy="; '-s data.bins=10' cuts it into intervals")
    return Annotation(rows, codes, names, known, tuple(notes))


def _classes(labels: tuple[str, NDArray[Any]], where: str) -> Classes:
    name, values = labels
    try:
        return classes_of(values, f"{where}{name!r}: labels")
    except DataError as error:
        raise DataError(f"{error}; '-s data.labels=NAME' takes others, and 'none' leaves them out") from error


def _left(values: NDArray[Any], rows: NDArray[np.int64] | None) -> NDArray[Any]:
    return values if rows is None else values[rows]


def _counts(lacking: Mapping[str, NDArray[np.bool_]]) -> str:
    shown = [f"{int(mask.sum()):,} of {name!r}" for name, mask in list(lacking.items())[:5]]
    return ", ".join(shown) + (" …" if len(lacking) > 5 else "")


def _refusal(
    where: str,
    lacking: Mapping[str, NDArray[np.bool_]],
    labels: tuple[str, NDArray[Any]] | None,
    factors: Mapping[str, NDArray[Any]],
) -> str:
    name, mask = next(iter(lacking.items()))
    others = f", and {len(lacking) - 1} others have some" if len(lacking) > 1 else ""
    instead = ""
    if labels is not None and name == labels[0]:
        instead = ", or the labels with '-s data.labels=none'"
    elif name in factors:
        instead = ", or take other factors with '-s data.factors=…'"
    return (
        f"{where}{name!r}, has {int(mask.sum())} missing values{others}; fill them, or leave these rows out with "
        f"'-s data.missing=drop'{instead}"
    )


def _many(what: str, n_classes: int, n: int, *, remedy: str) -> list[str]:
    if n_classes <= MANY or 4 * n_classes < n:
        return []
    return [f"{what} takes {n_classes:,} values in {n:,} observations, each a class of its own{remedy}"]
