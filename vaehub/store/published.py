"""The table ``published``: figures that papers print."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from vaehub.core.errors import VaehubError, first_line
from vaehub.core.identity import Json, canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCES = "select distinct source from published"
_FORGET = "delete from published where study = ?"
_INSERT = "insert into published select * from incoming"


@dataclass(frozen=True)
class Figure:
    """One row of ``published``.

    Attributes:
        study: The paper, by the name of its study.
        table: Number as printed.
        keys: What tells figures of a table apart.
        name: What was measured or set.
        value: The number; ``None`` where words are printed.
        printed: The same with the digits of the paper.
        spread: Of the runs behind it.
        spread_kind: ``se``, ``sd``, ``ci95`` or ``unknown``; ``None`` where none is printed.
        n_runs: Runs behind it.
        unit: Of the number.
        note: What is odd about it.
        source: Digest of the file it came in.
    """

    study: str
    table: str
    keys: Mapping[str, Json]
    name: str
    value: float | None
    printed: str | None
    spread: float | None
    spread_kind: str | None
    n_runs: int | None
    unit: str | None
    note: str | None
    source: str


_COLUMNS = (
    *("table", "model", "network", "dataset", "condition", "quantity", "value", "spread", "spread_kind", "n_runs"),
    *("unit", "note"),
)


@dataclass(frozen=True)
class Paper:
    """The figures of a paper, as a plugin brings them.

    The text has columns ``table``, ``model``, ``network``, ``dataset``, ``condition`` (a JSON object), ``quantity``,
    ``value``, ``spread``, ``spread_kind``, ``n_runs``, ``unit`` and ``note``. What tells figures apart becomes their
    keys, the condition among it.

    Attributes:
        study: The paper, by the name of its study.
        text: Comma-separated values in UTF-8.
    """

    study: str
    text: bytes

    @cached_property
    def source(self) -> str:
        """Digest of the text."""
        return hashlib.blake2b(self.text, digest_size=12).hexdigest()

    def figures(self) -> list[Figure]:
        """Return the figures, in the order they are printed.

        Raises:
            VaehubError: If the text lacks a column, or holds something else than it should; says in which line.
        """
        found = []
        try:
            rows = csv.DictReader(io.StringIO(self.text.decode()))
            if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
                raise VaehubError(
                    f"the reference values {self.study!r} have no column {' and '.join(map(repr, missing))}; the "
                    f"columns are {', '.join(_COLUMNS)}"
                )
            for row in rows:
                found.append(self._figure(row))
        except (ValueError, TypeError, csv.Error) as error:
            at = f" in line {len(found) + 2}" if not isinstance(error, UnicodeDecodeError) else ""
            raise VaehubError(f"the reference values {self.study!r} cannot be read{at}: {first_line(error)}") from error
        return found

    def _figure(self, row: Mapping[str, str]) -> Figure:
        parts = {name: row[name] for name in ("model", "network", "dataset") if row[name]}
        return Figure(
            study=self.study,
            table=row["table"],
            keys=parts | json.loads(row["condition"] or "{}"),
            name=row["quantity"],
            value=float(row["value"]) if row["value"] else None,
            printed=row["value"] or None,
            spread=float(row["spread"]) if row["spread"] else None,
            spread_kind=None if row["spread_kind"] in ("", "none") else row["spread_kind"],
            n_runs=int(row["n_runs"]) if row["n_runs"] else None,
            unit=row["unit"] or None,
            note=row["note"] or None,
            source=self.source,
        )


def sources(connection: DuckDBPyConnection) -> set[str]:
    """Return the digests of the files whose figures are stored."""
    return {row[0] for row in connection.execute(_SOURCES).fetchall()}


def insert(connection: DuckDBPyConnection, figures: Iterable[Figure]) -> None:
    """Insert figures of papers, in the place of what is stored of these papers."""
    import pyarrow as pa

    found = list(figures)
    text, real, whole = pa.string(), pa.float64(), pa.int64()
    kinds = {"value": real, "spread": real, "n_runs": whole}
    columns = {name: [getattr(each, name) for each in found] for name in Figure.__annotations__}
    columns["keys"] = [canonical_json(each.keys) for each in found]
    # DuckDB finds the table by the name of this variable.
    incoming = pa.table({name: pa.array(column, kinds.get(name, text)) for name, column in columns.items()})  # noqa: F841
    for study in dict.fromkeys(each.study for each in found):
        connection.execute(_FORGET, [study])
    connection.execute(_INSERT)
