"""Vectors in a Parquet file."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, prepare
from vaehub.plugins.datasets.own.params import VectorsParams

LABELS = ("label", "labels")


@final
class Vectors(DataSource[VectorsParams]):
    """The numeric columns of a table, in order; a column of lists of one length counts as several columns."""

    def load(self) -> Dataset:
        """Return the vectors, shape ``(n, p)``, with labels if a column holds them.

        Raises:
            DataError: If it is not a Parquet file, a column is neither numeric nor the labels, or a value is missing.
        """
        import pyarrow as pa
        from pyarrow import parquet

        path = self.params.path
        try:
            table = parquet.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} cannot be read as a Parquet file ({error}); replace it") from error
        name = self._label_column(table.column_names)
        columns = [self._values(each, table[each]) for each in table.column_names if each != name]
        if not columns or not len(table):
            raise DataError(f"{path} holds no columns of numbers; it has {', '.join(table.column_names) or 'none'}")
        labels = None
        if name is not None:
            _, labels = np.unique(table[name].to_numpy(), return_inverse=True)
        data = Dataset(self._scaled(np.concatenate(columns, axis=1)), labels=labels)
        return prepare(data, self.params)

    def _label_column(self, names: list[str]) -> str | None:
        given = self.params.labels
        if given is not None and given not in names:
            raise DataError(f"{self.params.path} has no column {given!r}; it has {', '.join(names)}")
        return given or next((name for name in LABELS if name in names), None)

    def _values(self, name: str, column: Any) -> NDArray[np.float64]:
        import pyarrow as pa

        title = f"{self.params.path}, column {name!r},"
        if column.null_count:
            raise DataError(f"{title} has {column.null_count} missing values; fill or drop them")
        values = column.combine_chunks()
        if isinstance(values.type, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
            flat = values.flatten()
            width, rest = divmod(len(flat), len(values))
            lengths = (
                set() if isinstance(values.type, pa.FixedSizeListType) else set(values.value_lengths().to_pylist())
            )
            if rest or len(lengths) > 1:
                raise DataError(f"{title} holds lists of different lengths; make them one length")
            values = flat
        else:
            width = 1
        if not (
            pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)
        ):
            raise DataError(
                f"{title} holds {values.type}, not numbers; drop it, or use it as labels: '-s data.labels={name}'"
            )
        numbers: NDArray[np.float64] = values.to_numpy(zero_copy_only=False).astype(np.float64)
        return numbers.reshape(-1, width)

    def _scaled(self, x: NDArray[np.float64]) -> NDArray[np.float32]:
        if self.params.scale == "unit":
            low, span = x.min(axis=0), np.ptp(x, axis=0)
            x = (x - low) / np.where(span > 0, span, 1)
        elif self.params.scale == "standard":
            deviation = x.std(axis=0)
            x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
        return x.astype(np.float32)
