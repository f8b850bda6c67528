"""The classes that a probe predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset
from vaehub.plugins.probes.kernels import folds_lack_a_class
from vaehub.plugins.probes.params import DownstreamProbeParams

LABEL = "label"
"""Name of the task whose classes are the labels."""

Tasks = dict[str, NDArray[np.int64]]
"""Classes of some observations, shape ``(n,)``, by name of factor."""


def tasks_of(metric: str, data: Dataset, names: tuple[str, ...]) -> Tasks:
    """Return the classes of named factors, or of all; constant ones are no task unless they are named.

    Args:
        metric: Name of the metric.
        data: The observations, with factors or labels.
        names: Factors, or ``label``; none stands for all.

    Raises:
        DataError: If there is no such factor.
    """
    known: Tasks = {}
    if data.factors is not None:
        columns = data.factors.classes.cpu().numpy().T
        known = dict(zip(data.factors.names, columns, strict=True))
    if data.labels is not None:
        known.setdefault(LABEL, data.labels.cpu().numpy())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f"metric {metric!r} was asked for the factors {', '.join(map(repr, unknown))}, and there is "
            f"{', '.join(known)}"
        )
    if names:
        return {name: known[name] for name in names}
    factors = {name: classes for name, classes in known.items() if data.factors is None or name != LABEL}
    return {name: classes for name, classes in factors.items() if _n_classes(classes) > 1}


def check_tasks(metric: str, data: Dataset, params: DownstreamProbeParams) -> None:
    """Refuse observations with nothing to predict, or too few of a class to learn from.

    Args:
        metric: Name of the metric.
        data: The observations that classifiers would learn from.
        params: Of the metric.

    Raises:
        DataError: In either case; says what would work.
    """
    tasks = tasks_of(metric, data, params.factors)
    constant = [name for name, classes in tasks.items() if _n_classes(classes) < 2]
    if constant or not tasks:
        what = ", ".join(map(repr, constant)) or "every factor"
        raise DataError(
            f"metric {metric!r} needs at least two classes, and {what} has one in the {len(data)} "
            f"observations drawn from the split {params.train_split!r}; "
            "leave it out of '-s metric.factors=…', or take other data"
        )
    if "logistic" not in params.classifiers:
        return
    short = [name for name, classes in tasks.items() if folds_lack_a_class(classes, params.n_folds)]
    if short:
        raise DataError(
            f"metric {metric!r} needs every class in more than one of {params.n_folds} folds, and "
            f"{', '.join(map(repr, short))} has rarer ones among the {len(data)} observations drawn from the split "
            f"{params.train_split!r}; raise '-s metric.n_train=…', take more data, or leave it out of "
            "'-s metric.factors=…'"
        )


def chance(classes: NDArray[Any]) -> float:
    """Return the accuracy of uniform guesses among the classes that there are."""
    return 1 / _n_classes(classes)


def majority(classes: NDArray[Any], test_classes: NDArray[Any]) -> float:
    """Return the accuracy on other observations of always naming the most frequent class."""
    values, counts = np.unique(classes, return_counts=True)
    return float((test_classes == values[counts.argmax()]).mean())


def _n_classes(classes: NDArray[Any]) -> int:
    return len(np.unique(classes))
