"""Results: named numbers with an index, tables, signatures and arrays. Values, never formatted text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub.core.errors import described

if TYPE_CHECKING:  # stored results are read back without loading torch
    import torch

    Number = float | int | bool | np.number[Any] | np.bool_ | NDArray[Any] | torch.Tensor
    Numbers = NDArray[Any] | torch.Tensor | Sequence[float] | Sequence[int] | Sequence[bool]


@dataclass(frozen=True)
class Vector:
    """Values with a named index, in the order of that index.

    Attributes:
        values: Shape ``(n,)``, float64.
        index: Name of the index, such as ``latent``, ``layer``, ``factor`` or ``epoch``.
        labels: Name of each position, if positions have names.

    Raises:
        ValueError: If there are no values, or the number of labels differs.
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
    """Rows with keys and values, for values with several indices, such as a score for each pair of layers.

    Attributes:
        keys: Columns that identify the rows, such as ``{"layer_a": [...], "layer_b": [...]}``.
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
class Signatures:
    """Short vectors that represent the layers of a model, so that any two layers of a store can be compared with SQL.

    The inner product of two is their similarity: ``select cka(a.signature, b.signature) from signatures as a, …``.

    Attributes:
        layers: Name of each layer.
        vectors: Shape ``(n_layers, size)``, float32; of norm 1, or all NaN where similarity to a layer is undefined.
        space: Identifies what comparable signatures share: observations, size, random draws.

    Raises:
        ValueError: If there are no layers, two layers have the same name, or the number of vectors differs.
    """

    layers: tuple[str, ...]
    vectors: NDArray[np.float32]
    space: str

    def __init__(self, layers: Sequence[str], vectors: NDArray[Any] | torch.Tensor, space: str) -> None:
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "vectors", _as_array(vectors).astype(np.float32))
        object.__setattr__(self, "space", space)
        if self.vectors.ndim != 2 or not self.vectors.size or len(self.vectors) != len(self.layers):
            raise ValueError(
                f"signatures have shape (layers, size), got {self.vectors.shape} and {len(self.layers)} layers"
            )
        if len(set(self.layers)) != len(self.layers):
            raise ValueError(f"each layer has one signature, got {', '.join(self.layers)}")


@dataclass(frozen=True)
class Result:
    """What a metric returns. Names are stable and lower-case, because people write SQL against them.

    Attributes:
        scalars: One number each; tensors and arrays of one value are numbers too.
        vectors: Values with an index; a plain array is indexed by latent.
        tables: Rows with several keys.
        signatures: Vectors of layers, to be compared with SQL.
        arrays: Arrays of numbers of any shape, kept in HDF5.

    Raises:
        ValueError: If a vector is empty or has more than one axis.
        TypeError: If an array holds anything but numbers, or a scalar, a table or a signature is none.
    """

    scalars: Mapping[str, float] = field(default_factory=dict)
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    signatures: Mapping[str, Signatures] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __init__(
        self,
        scalars: Mapping[str, Number] | None = None,
        vectors: Mapping[str, Vector | Numbers] | None = None,
        tables: Mapping[str, Table] | None = None,
        arrays: Mapping[str, NDArray[Any] | torch.Tensor] | None = None,
        signatures: Mapping[str, Signatures] | None = None,
    ) -> None:
        given = {"scalars": scalars, "vectors": vectors, "tables": tables, "arrays": arrays, "signatures": signatures}
        for what, named in given.items():
            if not (named is None or isinstance(named, Mapping)):
                raise TypeError(f"{what} are given by name, such as {what}={{'size': …}}, got {described(named)}")
        for kind, each in ((Table, tables or {}), (Signatures, signatures or {})):
            for name, item in each.items():
                if not isinstance(item, kind):
                    raise TypeError(f"{name!r} is {described(item)}, and it should be a vaehub.{kind.__name__}")
        made = {name: item if isinstance(item, Vector) else Vector(item) for name, item in (vectors or {}).items()}
        object.__setattr__(self, "scalars", {name: _as_scalar(name, value) for name, value in (scalars or {}).items()})
        object.__setattr__(self, "vectors", made)
        object.__setattr__(self, "tables", dict(tables or {}))
        object.__setattr__(self, "signatures", dict(signatures or {}))
        object.__setattr__(self, "arrays", {name: _as_array(item) for name, item in (arrays or {}).items()})

    def without_arrays(self) -> Result:
        """Return the same result without arrays, which are stored separately."""
        return replace(self, arrays={}) if self.arrays else self


def _as_scalar(name: str, value: Any) -> float:
    no_number = f"scalar {name!r} is {described(value)}, and a scalar is one number"
    if isinstance(value, str | bytes):  # which 'float' would read
        raise TypeError(no_number)
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(no_number) from error


def _as_array(values: Any) -> NDArray[Any]:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # NumPy and HDF5 have no bfloat16, and would keep its bytes without their type
        values = values.numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"results are numbers, got an array of {array.dtype}")
    return array


def _as_float64(values: Numbers, *, ndim: int) -> NDArray[np.float64]:
    array = _as_array(values).astype(np.float64)
    if array.ndim != ndim:
        raise ValueError(f"values have {ndim} axis, got shape {array.shape}")
    if not array.size:
        # An empty vector would have no row in the database, and be lost when read back.
        raise ValueError("there are no values; return a count or a mask, or leave the name out")
    return array


def _as_key(key: Any) -> str | int | float:
    plain = key.item() if isinstance(key, np.generic) else key
    if not isinstance(plain, str | int | float):
        raise TypeError(f"keys are text or numbers, got {type(key).__name__}")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"keys identify rows, and {plain} equals nothing; give text or a finite number")
    return plain
