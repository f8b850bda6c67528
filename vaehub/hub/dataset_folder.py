"""A store as a dataset to share: tables in Parquet, a card that says what each column means, and references."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub import __version__
from vaehub.core.errors import VaehubError
from vaehub.core.progress import task
from vaehub.hub.parquet import write_parquet
from vaehub.hub.whole_file import whole_folder
from vaehub.registry.catalog import Catalog
from vaehub.registry.references import Reference, named, references
from vaehub.store.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from vaehub.store.spill import Spill

TIMEOUT = 3600.0
"""Seconds that reading one table may take."""


@dataclass(frozen=True)
class _Table:
    """A table of the dataset.

    Attributes:
        query: Its rows.
        origin: Table or view of the store, which says what the columns mean.
        meaning: What a row is.
    """

    query: str
    origin: str
    meaning: str


# Commands stay in the store: they may name folders and people.
_TABLES = {
    "results": _Table("from results", "results", "a value that was measured, with all that it was measured of"),
    "summary": _Table("from summary", "summary", "mean and deviation over seeds, for each setting, value and index"),
    "study_results": _Table(
        "from study_results", "study_results", "the same, for each point of a study that asks for it"
    ),
    "trainings": _Table("from trainings", "trainings", "a training"),
    "epochs": _Table("from epochs", "epochs", "a loss of an epoch of a training"),
    "measurements": _Table("from measurements", "measurements", "a measurement, finished or failed"),
    "signatures": _Table(
        "select * exclude signature, signature.space, signature.vector from signatures",
        "signatures",
        "a signature of a layer; the inner product of two vectors of one space estimates their CKA",
    ),
    "reference_values": _Table("from published", "published", "a number that a paper prints"),
    "studies": _Table("from studies", "studies", "a study at a scale"),
    "cells": _Table("from cells", "cells", "a measurement that a study asks for"),
    "provenance": _Table("select * exclude command_line from provenance", "provenance", "a process that wrote"),
}
_COMMENTS = "select table_name, column_name, comment from duckdb_columns() where comment is not null"
_NAMES = """
    select 'model' as kind, model as name from results union select 'network', network from results
    union select 'dataset', dataset from results union select 'metric', metric from results
    union select 'model', model from trainings union select 'network', network from trainings
    union select 'dataset', dataset from trainings union select 'features', params ->> '$.features' from measurements
    union select 'study', study from studies union select 'published', study from published
"""


@dataclass(frozen=True)
class DatasetFolder:
    """A folder with a store's tables.

    Attributes:
        path: The folder.
        rows: Number of rows of each table in it.
        references: Keys of the references in ``references.bib``.
        without_reference: Sources of methods for which no plugin brings BibTeX.
    """

    path: Path
    rows: Mapping[str, int]
    references: tuple[str, ...]
    without_reference: tuple[str, ...]


def write_dataset(store: Store, catalog: Catalog, folder: PathLike[str] | str) -> DatasetFolder:
    """Write the tables of a store into a new folder, which appears whole.

    Raises:
        VaehubError: If there is no store, nothing in it, or the folder is there or cannot be made.
        WorkFailed: If writing fails, as on a full disk.
    """
    path = Path(folder)
    with ExitStack() as stack:
        new = stack.enter_context(whole_folder(path, "the tables"))
        with store.session():
            meanings: dict[str, dict[str, str]] = {}
            for row in store.query(_COMMENTS).to_pylist():
                meanings.setdefault(row["table_name"], {})[row["column_name"]] = row["comment"]
            used = {(row["kind"], row["name"]) for row in store.query(_NAMES).to_pylist()}
            spills = {
                name: stack.enter_context(store.spilled(table.query, timeout=TIMEOUT))
                for name, table in _TABLES.items()
            }
        rows, schemas = _written(new / "data", spills)
        if not rows:
            raise VaehubError(f"store {str(store.path)!r} has no records yet; 'vaehub run' makes some")
        sources = [each.entry.source for each in catalog.entries() if (each.entry.kind, each.entry.name) in used]
        chosen, missing = named(references(catalog.plugins), sources)
        if chosen:
            (new / "references.bib").write_text("\n\n".join(each.text for each in chosen) + "\n", encoding="utf-8")
        card = _card(path.expanduser().absolute().name, rows, schemas, meanings, used, chosen, missing)
        (new / "README.md").write_text(card, encoding="utf-8")
    return DatasetFolder(path, rows, tuple(each.key for each in chosen), tuple(missing))


def _written(folder: Path, spills: Mapping[str, Spill]) -> tuple[dict[str, int], dict[str, pa.Schema]]:
    """Write each table that has rows; return their number, and the columns."""
    import pyarrow as pa

    folder.mkdir()
    rows: dict[str, int] = {}
    with task("writing tables", len(spills)) as advance:
        for name, spill in spills.items():
            place = folder / f"{name}.parquet"
            with place.open("wb") as file:
                n = write_parquet(file, spill.schema, (pa.Table.from_batches([batch]) for batch in spill))
            if n:
                rows[name] = n
            else:
                place.unlink()
            advance(1)
    return rows, {name: spills[name].schema for name in rows}


def _card(
    title: str,
    rows: Mapping[str, int],
    schemas: Mapping[str, pa.Schema],
    meanings: Mapping[str, Mapping[str, str]],
    used: Iterable[tuple[str, str | None]],
    chosen: list[Reference],
    missing: list[str],
) -> str:
    front = ["---", f"pretty_name: {json.dumps(title, ensure_ascii=False)}", "tags:", "- variational-autoencoder"]
    front += ["- vaehub", "configs:"]
    for name in rows:
        front += [f"- config_name: {name}", f"  data_files: data/{name}.parquet"]
        front += ["  default: true"] * (name == next(iter(rows)))
    lines = [*front, "---", "", f"# {title}", ""]
    lines += [
        f"Analyses of the latent spaces of variational autoencoders, exported from a store of vaehub {__version__}."
    ]
    for kind in _PLURALS:
        names = sorted(name for each, name in used if each == kind and name)
        if names:
            lines += ["", f"{_PLURALS[kind]}: {', '.join(f'`{name}`' for name in names)}."]
    lines += ["", "| file | rows | a row is |", "| --- | --- | --- |"]
    lines += [f"| `data/{name}.parquet` | {n:,} | {_TABLES[name].meaning} |" for name, n in rows.items()]
    lines += ["", "Undefined numbers are NaN, and missing ones null; JSON is text.", "", *_READING]
    for name, schema in schemas.items():
        known = {**_EXTRA, **meanings[_TABLES[name].origin]}
        lines += ["", f"## {name}", "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{field.name}` | {field.type} | {known[field.name]} |" for field in schema]
    lines += ["", "## References", ""]
    if chosen:
        lines += ["`references.bib` has the BibTeX of the methods, the data and the studies in these tables."]
    if missing:
        lines += ["", f"Without BibTeX: {'; '.join(missing)}."]
    return "\n".join(lines) + "\n"


_PLURALS = {
    "model": "Models",
    "network": "Networks",
    "dataset": "Data",
    "metric": "Metrics",
    "features": "Features",
    "study": "Studies",
}
_EXTRA = {
    "space": "name of the space; signatures of different spaces cannot be compared",
    "vector": "vector of norm 1; NaN where nothing can be said of the layer",
}
_READING = (
    "```python",
    "import pandas",
    "",
    'results = pandas.read_parquet("data/results.parquet")',
    "```",
    "",
    "```sql",
    "-- in DuckDB",
    "select model, latent_dim, metric, name, mean, sd, n from 'data/summary.parquet' where index is null order by all;",
    "```",
)
