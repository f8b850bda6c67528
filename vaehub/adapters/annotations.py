"""Labels and factors that come beside observations, in any form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.adapters.tables import columns_of, is_table
from vaehub.core.data.factors import Factors
from vaehub.core.errors import DataError, described
from vaehub.files import classes


def label_classes(labels: Any, n: int) -> tuple[Tensor, tuple[str, ...]]:
    """Return the class of each observation, shape ``(n,)``, and the classes' names: the distinct labels, in order.

    Args:
        labels: One value of any kind for each observation.
        n: Number of observations.

    Raises:
        DataError: If there are more or fewer labels, one is missing, or they are no row of values.
    """
    found = classes.classes_of(_row(labels, n, "labels"))
    if missing := int(found.missing.sum()):
        raise DataError(
            f"labels have {missing} missing values among {n}; drop those observations, or give them a class"
        )
    return torch.from_numpy(found.codes), found.names


def factors_of(factors: Any, n: int) -> Factors:
    """Return known factors of variation; each distinct value is a class of its factor.

    Args:
        factors: Factors; a mapping from names to values, one for each observation; a data
            frame; or numbers, shape ``(n, m)``.
        n: Number of observations.

    Raises:
        DataError: If there are more or fewer values than observations, one is missing, or there are no factors.
    """
    if isinstance(factors, Factors):
        return factors
    if is_table(factors):
        factors = columns_of(factors, described(factors))
    columns = factors if isinstance(factors, Mapping) else _numbered(factors, n)
    if not columns:
        raise DataError("factors are empty; give at least one, or none with factors=None")
    rows = {str(name): _row(values, n, f"factor {name!r}") for name, values in columns.items()}
    for name, row in rows.items():
        if missing := int(classes.is_missing(row).sum()):
            raise DataError(f"factor {name!r} has {missing} missing values among {n}; drop those observations")
    return classes.factors_of(rows)


def _numbered(factors: Any, n: int) -> dict[str, Any]:
    array: NDArray[Any] = np.asarray(factors.detach().cpu() if isinstance(factors, Tensor) else factors)
    if array.ndim != 2 or len(array) != n:
        raise DataError(
            f"factors are {described(factors)}, and should have a row for each of {n} observations and a column for "
            "each factor, or be a mapping such as {'scale': values}"
        )
    return {f"factor_{at}": array[:, at] for at in range(array.shape[1])}


def _row(values: Any, n: int, what: str) -> NDArray[np.object_]:
    """Return one Python value for each observation, shape ``(n,)``."""
    if isinstance(values, str | bytes | Mapping):
        raise DataError(f"{what} are {described(values)}, and should be one value for each of {n} observations")
    for method in ("to_pylist", "to_list", "tolist"):
        if not isinstance(values, Tensor | np.ndarray) and hasattr(values, method):
            values = getattr(values, method)()
            break
    try:
        found = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
        found = found if isinstance(found, np.ndarray) else list(found)
    except TypeError:
        raise DataError(f"{what} are {described(values)}, and should be one value for each observation") from None
    if isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if isinstance(found, np.ndarray):
        if found.ndim != 1:
            raise DataError(
                f"{what} have shape {found.shape}, and should be one for each of {n} observations; "
                "y.argmax(axis=1) makes them of a one-hot code"
            )
        found = found.tolist()
    if len(found) != n:
        raise DataError(f"there are {n} observations and {len(found)} {what}; they belong together one by one")
    if any(isinstance(each, list | tuple | dict) for each in found):
        raise DataError(f"{what} should be one number or word for each observation, and some hold several")
    row = np.empty(n, dtype=object)
    row[:] = [each.item() if isinstance(each, Tensor | np.generic) else each for each in found]
    return row
