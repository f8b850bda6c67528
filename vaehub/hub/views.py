"""What comes back: results by name, as rows, and as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, overload

from vaehub.core.display import Displayed
from vaehub.core.errors import UnknownName, VaehubError
from vaehub.core.identity import canonical_json, identity
from vaehub.core.result import Result, Vector
from vaehub.hub.frames import Tabular
from vaehub.store.records import MeasurementRecord, TrainingRecord

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from vaehub.core.metric import Metric
    from vaehub.hub.study.definition import Definition
    from vaehub.registry.catalog import Registered
    from vaehub.registry.documentation import ParamInfo


SCALARS_SHOWN = 3
"""Values in the short text of a measurement."""


class FindMetric(Protocol):
    """What returns the metric of a record, which draws it."""

    def __call__(self, record: MeasurementRecord, /) -> Metric:
        """Return the metric, in any revision."""


class UnknownValue(UnknownName, KeyError):  # noqa: N818 as its base
    """A measurement has no value of this name."""

    __str__ = Exception.__str__  # that of KeyError quotes the sentence


@dataclass(frozen=True)
class Measurement(Displayed, Tabular):
    """One metric applied to one subject.

    Attributes:
        record: What was asked, when, and how long it took.
        result: What was measured.
        training: Training that was measured; of a pair, the first; ``None`` for data and recipes.
        reused: Whether the store had it already.
        find_metric: Returns the metric of a record, which draws it; ``None`` once a measurement has been pickled.
    """

    record: MeasurementRecord
    result: Result
    training: TrainingRecord | None
    reused: bool
    find_metric: FindMetric | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, object]:
        """Return what is pickled: all but the way to the metric, which leads through a whole hub."""
        return vars(self) | {"find_metric": None}

    @property
    def id(self) -> str:
        """Identity of the measurement."""
        return self.record.id

    def __getitem__(self, name: str) -> Any:
        """Return a scalar, the values of a vector, a table, signatures or an array, by name."""
        result = self.result
        if name in result.scalars:
            return result.scalars[name]
        if name in result.vectors:
            return result.vectors[name].values
        if name in result.tables:
            return result.tables[name]
        if name in result.signatures:
            return result.signatures[name]
        if name in result.arrays:
            return result.arrays[name]
        known = ", ".join([*result.scalars, *result.vectors, *result.tables, *result.signatures, *result.arrays])
        raise UnknownValue(f"{self.record.metric} has no {name!r}, it has {known}")

    def __repr__(self) -> str:
        of = f" of training {self.record.training[:8]}" if self.record.training else ""
        shown = "".join(f", {name} {value:.4g}" for name, value in list(self.result.scalars.items())[:SCALARS_SHOWN])
        failed = ", failed" if self.record.status == "failed" else ""
        return f"Measurement({self.record.metric} {self.id[:8]}{of}{failed}{shown})"

    def plot(self) -> Figure:
        """Return the plot, as the metric draws it, or of the values where it draws none, which a notebook shows.

        Raises:
            VaehubError: If it failed, it has no finite value, or matplotlib is missing.
        """
        from vaehub.hub.plots import measurement_plot

        return measurement_plot(self)

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield one row for each value, with the columns of the view ``results`` that identify it."""
        training = self.training
        common: dict[str, object] = {
            "model": training and training.name_of("model"),
            "network": training and training.name_of("network"),
            "dataset": training and training.name_of("dataset"),
            "seed": training.seed if training else self.record.seed,
            "latent_dim": training and training.latent_dim,
            "metric": self.record.metric,
        }
        ids = {"training": self.record.training, "measurement": self.id}
        for name, index_name, index, label, keys, value in _values(self.result):
            place = {"name": name, "index_name": index_name, "index": index, "label": label, "keys": keys}
            yield common | place | {"value": value} | ids

    def to_arrow(self) -> pa.Table:
        """Return one row for each value as an Arrow table."""
        return Measurements([self]).to_arrow()


@dataclass(frozen=True)
class Description:
    """A catalog entry with its parameters, or with what a study consists of."""

    registered: Registered
    params: list[ParamInfo]
    study: Definition | None = None


@dataclass(frozen=True, repr=False)
class Training(TrainingRecord):
    """A training with its losses and what was measured of it.

    Attributes:
        epochs: Losses of each epoch, by split and term.
        measurements: What was measured of it, the latest first.
    """

    epochs: Sequence[Mapping[str, Mapping[str, float]]] = ()
    measurements: Sequence[MeasurementRecord] = ()

    @property
    def record(self) -> TrainingRecord:
        """The training alone, as a measurement has its record."""
        return TrainingRecord(**{each.name: getattr(self, each.name) for each in fields(TrainingRecord)})

    def plot(self) -> Figure:
        """Return the loss curves, which a notebook shows.

        Raises:
            VaehubError: If it has no epoch, or matplotlib is missing.
        """
        from vaehub.hub.plots import training_plot

        return training_plot(self)


class Measurements(Displayed, Tabular):
    """Measurements in the order they were asked for.

    They are no ``collections.abc.Sequence``: of such a thing polars takes the items for rows, and never asks for Arrow.
    """

    def __init__(self, items: Sequence[Measurement]) -> None:
        self._items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> Measurement: ...
    @overload
    def __getitem__(self, index: slice) -> Measurements: ...
    def __getitem__(self, index: int | slice) -> Measurement | Measurements:
        found = self._items[index]
        return Measurements(found) if isinstance(found, tuple) else found

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Measurement]:
        return iter(self._items)

    def __repr__(self) -> str:
        listed = ", ".join(f"{item.record.metric} {item.id[:8]}" for item in self._items)
        return f"Measurements({listed})"

    def to_arrow(self) -> pa.Table:
        """Return one row for each value as an Arrow table."""
        import pyarrow as pa

        kinds = dict.fromkeys(("seed", "latent_dim", "index"), pa.int64()) | {"value": pa.float64()}
        rows = [row for item in self._items for row in item.rows()]
        names = list(rows[0]) if rows else []
        return pa.table({name: pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in names})


class Rows(Displayed, Tabular):
    """The answer to a query."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        columns = [_python_values(name, column) for name, column in zip(self.columns, self._table.columns, strict=True)]
        return iter(list(zip(*columns, strict=True)))

    def __repr__(self) -> str:
        return f"Rows({len(self)} of {', '.join(self.columns)})"

    @property
    def json_columns(self) -> list[str]:
        """Names of the columns of JSON, whose values are its text."""
        return [field.name for field in self.schema if (field.metadata or {}).get(b"kind") == b"json"]

    @property
    def digest(self) -> str:
        """What tells these rows from others: names and values, in order."""
        return identity({"columns": self.columns, "rows": [[str(item) for item in row] for row in self]})

    def parts(self, size: int) -> Iterator[Rows]:
        """Return the rows in parts of so many, in order, so that not all of them need be Python's at once."""
        for start in range(0, len(self), size):
            yield Rows(self._table.slice(start, size))

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self._table.schema

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self._table

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """Return the columns: numbers, with NaN for what is missing, or objects.

        Raises:
            VaehubError: If two columns have one name.
        """
        must_differ(self.columns, "a metric tells columns by their names")
        return {name: _numbers(self._table[name]) for name in self.columns}


def must_differ(columns: Sequence[str], why: str) -> None:
    """Refuse columns of which two have one name.

    Raises:
        VaehubError: If two have.
    """
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise VaehubError(f"two columns are named {twice!r}, and {why}; name the other with 'as'")


def groups_by_index(vectors: Mapping[str, Vector]) -> list[dict[str, Vector]]:
    """Return vectors that share an index together, since they make one table."""
    groups: dict[tuple[str, int], dict[str, Vector]] = {}
    for name, vector in vectors.items():
        groups.setdefault((vector.index, len(vector.values)), {})[name] = vector
    return list(groups.values())


def reading_order(group: Mapping[str, Vector]) -> list[int]:
    """Return the positions of a group in the order that they are best read in.

    Latents have no order of their own, so they go from the greatest value of the first vector down; everything else
    keeps its order.
    """
    first = next(iter(group.values()))
    if first.index != "latent":
        return list(range(len(first.values)))
    return [int(position) for position in (-first.values).argsort(kind="stable")]


def _values(result: Result) -> Iterator[tuple[str, str | None, int | None, str | None, str | None, float]]:
    for name, value in result.scalars.items():
        yield name, None, None, None, None, value
    for name, vector in result.vectors.items():
        for index, value in enumerate(vector.values.tolist()):
            yield name, vector.index, index, vector.labels[index] if vector.labels else None, None, value
    for table_name, table in result.tables.items():
        for index, row in enumerate(zip(*table.keys.values(), strict=True)):
            keys = canonical_json(dict(zip(table.keys, row, strict=True)))
            for name, column in table.columns.items():
                yield name, table_name, index, None, keys, float(column[index])


def beyond_dates(column: str) -> VaehubError:
    """Return the refusal of a column with a date that only DuckDB can hold, such as ``infinity``."""
    return VaehubError(
        f"column {column!r} holds a date that cannot be written here; ask for it as text, with '::varchar'"
    )


def _python_values(name: str, column: pa.ChunkedArray) -> list[object]:
    from pyarrow import types

    try:
        values = column.to_pylist()
    except (OverflowError, ValueError) as error:
        raise beyond_dates(name) from error
    return [_with_maps(value, column.type) for value in values] if types.is_nested(column.type) else values


def _with_maps(value: Any, kind: pa.DataType) -> object:
    """Return a nested value with dictionaries in the place of Arrow's lists of keys and values."""
    from pyarrow import types

    if value is None or not types.is_nested(kind):
        return value
    if types.is_map(kind):
        # A key may be nested, too, and then is no key in Python.
        return {
            str(key) if types.is_nested(kind.key_type) else key: _with_maps(item, kind.item_type) for key, item in value
        }
    if types.is_struct(kind):
        return {field.name: _with_maps(value[field.name], field.type) for field in kind}
    return [_with_maps(item, kind.value_type) for item in value]


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    import numpy as np
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
        return np.array([np.nan if item is None else float(item) for item in column.to_pylist()])
    return np.array(column.to_pylist(), dtype=object)
