"""Vectors in tables: Parquet and CSV files."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, prepare
from vaehub.plugins.datasets.own.annotation import annotation_of
from vaehub.plugins.datasets.own.matrix import representable, rescaling
from vaehub.plugins.datasets.own.params import VectorsParams
from vaehub.plugins.datasets.own.roles import Names
from vaehub.plugins.datasets.own.table import TableFile, numbers, plain_values

LABELS = ("label", "labels")


@final
class Vectors(DataSource[VectorsParams]):
    """The numeric columns of a table, in order; a column of lists of one length counts as several columns."""

    def load(self) -> Dataset:
        """Return the vectors, shape ``(n, p)``, with labels and factors if columns hold them.

        Raises:
            DataError: If the file is of another kind, a column is named that is not there, a column has no role and no
                numbers, or a value is missing.
        """
        params, file = self.params, self._file()
        names = Names(file.path, "column", file.names)
        label = names.one(params.labels, LABELS, "labels")
        factors = names.several(params.factors, "factors")
        declined = names.one(None, LABELS, "labels") if label is None else None
        observed = self._observed(file, names, {label or declined, *factors})
        labels = [] if label is None else [label]
        columns = file.read(list(dict.fromkeys([*observed, *factors, *labels])), labels)
        if not observed or not len(columns[observed[0]]):
            raise DataError(f"{file.path} holds no columns of numbers; it has {names.listed}")
        found = {name: numbers(columns[name], name, file.path) for name in observed}
        known = annotation_of(
            params,
            file.path,
            kind="column",
            labels=None if label is None else (label, plain_values(columns[label])),
            factors={name: plain_values(columns[name]) for name in factors},
            incomplete={name: each.missing for name, each in found.items()},
        )
        x = np.concatenate([each.values for each in found.values()], axis=1)
        data = Dataset(
            self._scaled(x if known.rows is None else x[known.rows]),
            labels=known.labels,
            class_names=known.class_names,
            factors=known.factors,
            notes=(*file.notes, *self._notes(file, observed, label), *known.notes),
        )
        return prepare(data, params)

    def _file(self) -> TableFile:
        from vaehub.plugins.datasets.own.csv import csv_file
        from vaehub.plugins.datasets.own.parquet import parquet_file

        path = self.params.path
        if path.suffix.lower() in (".parquet", ".pq"):
            return parquet_file(path, self.params.bound)
        return csv_file(self.params)

    def _observed(self, file: TableFile, names: Names, others: set[str | None]) -> list[str]:
        """Return the columns of the observations: those named, or all that have no other role."""
        dropped = names.several(self.params.drop, "drop")
        if self.params.columns is not None:
            return [name for name in names.several(self.params.columns, "columns") if name not in dropped]
        index = () if self.params.keep_index else file.index
        return [name for name in file.names if name not in others and name not in dropped and name not in index]

    def _notes(self, file: TableFile, observed: list[str], label: str | None) -> list[str]:
        notes = []
        left_out = [name for name in file.index if name not in observed]
        if left_out:
            named = ", ".join(map(repr, left_out))
            notes.append(f"the index {named} of the table is no observation; '-s data.keep_index=true' makes it one")
        if label is not None and self.params.labels is None:
            notes.append(f"column {label!r} is taken for labels, by its name; '-s data.labels=none' leaves it out")
        return notes

    def _scaled(self, x: NDArray[np.float64]) -> NDArray[Any]:
        if self.params.scale == "none":
            representable(float(x.min()), float(x.max()), str(self.params.path))
        rescale = rescaling(self.params.scale, lambda: iter([x]), str(self.params.path))
        return rescale(x).astype(np.float32)
