"""Results: named numbers with an index, tables and arrays. Values, never formatted text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # stored results are read back without loading torch
    import torch

    Numbers = NDArray[Any] | torch.Tensor | Sequence[float] | Sequence[int] | Sequence[bool]


@dataclass(frozen=True)
class Vector:
    """Values with a named index, in the order of that index.

    Attributes:
        values: Shape ``(n,)``, float64.
        index: What is counted, such as ``latent``, ``layer``, ``factor`` or ``epoch``.
        labels: Name of each position, where it has one.

    Raises:
        ValueError: If there are no values, or another number of labels.
    """

    values: NDArray[np.float64]
    index: str = "latent"
    labels: tuple[str, ...] | None = None

    def __init__(self, values: Numbers, index: str = "latent", labels: Sequence[str] | None = None) -> None:
        object.__setattr__(self, "values", _as_float64(values, ndim=1))
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "labels", None if labels is None else tuple(labels))
        if self.labels is not None and len(self.labels) != len(self.values):
            raise ValueError(f"{len(self.values)} values and {len(self.labels)} labels do not fit together")


@dataclass(frozen=True)
class Table:
    """Rows with keys and values: what has more than one index, such as a score for each pair of layers.

    Attributes:
        keys: Columns that tell the rows apart, such as ``{"layer_a": [...], "layer_b": [...]}``.
        columns: Named values, one for each row, float64.

    Raises:
        ValueError: If there are no rows, no keys or no columns, if lengths differ, or a key is NaN or infinite.
        TypeError: If a key is neither text nor a number.
    """

    keys: Mapping[str, tuple[str | int | float, ...]]
    columns: Mapping[str, NDArray[np.float64]]

    def __init__(self, keys: Mapping[str, Sequence[str | int | float]], columns: Mapping[str, Numbers]) -> None:
        if not (keys and columns):
            raise ValueError(f"a table has keys and columns, got keys {list(keys)} and columns {list(columns)}")
        object.__setattr__(self, "keys", {name: tuple(map(_as_key, column)) for name, column in keys.items()})
        object.__setattr__(self, "columns", {name: _as_float64(column, ndim=1) for name, column in columns.items()})
        lengths = {len(column) for column in [*self.keys.values(), *self.columns.values()]}
        if len(lengths) != 1:
            raise ValueError(f"columns of one table have one length, got {sorted(lengths)}")


@dataclass(frozen=True)
class Result:
    """What a metric hands back. Names are stable and lower-case, because people write SQL against them.

    Attributes:
        scalars: One number each.
        vectors: Values with an index; a plain array is indexed by latent.
        tables: Rows with several keys.
        arrays: Arrays of numbers of any shape, kept in HDF5.

    Raises:
        ValueError: If a vector is empty or has more than one axis.
        TypeError: If an array holds anything but numbers.
    """

    scalars: Mapping[str, float] = field(default_factory=dict)
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __init__(
        self,
        scalars: Mapping[str, float | int | bool] | None = None,
        vectors: Mapping[str, Vector | Numbers] | None = None,
        tables: Mapping[str, Table] | None = None,
        arrays: Mapping[str, NDArray[Any] | torch.Tensor] | None = None,
    ) -> None:
        made = {name: item if isinstance(item, Vector) else Vector(item) for name, item in (vectors or {}).items()}
        object.__setattr__(self, "scalars", {name: float(value) for name, value in (scalars or {}).items()})
        object.__setattr__(self, "vectors", made)
        object.__setattr__(self, "tables", dict(tables or {}))
        object.__setattr__(self, "arrays", {name: _as_array(item) for name, item in (arrays or {}).items()})

    def without_arrays(self) -> Result:
        """Return the same without arrays, which go another way than values."""
        return Result(self.scalars, self.vectors, self.tables) if self.arrays else self


def _as_array(values: Any) -> NDArray[Any]:
    array = values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"results are numbers, got an array of {array.dtype}")
    return array


def _as_float64(values: Numbers, *, ndim: int) -> NDArray[np.float64]:
    array = _as_array(values).astype(np.float64)
    if array.ndim != ndim:
        raise ValueError(f"values have {ndim} axis, got shape {array.shape}")
    if not array.size:
        # It would have no row in the database, and be gone when read back.
        raise ValueError("there are no values; hand back a count or a mask, or leave the name out")
    return array


def _as_key(key: Any) -> str | int | float:
    plain = key.item() if isinstance(key, np.generic) else key
    if not isinstance(plain, str | int | float):
        raise TypeError(f"keys are text or numbers, got {type(key).__name__}")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"keys tell rows apart, and {plain} equals nothing; give text or a finite number")
    return plain
