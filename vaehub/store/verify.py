"""Verification of a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.core.errors import first_line
from vaehub.store import arrays
from vaehub.store.deliveries import Deliveries
from vaehub.store.files import PARTIAL, sha256
from vaehub.store.schema import TABLES
from vaehub.store.turns import left_by_the_dead

Opening = Callable[[], AbstractContextManager[DuckDBPyConnection]]
"""Gives a connection; after a query that failed, another one, since damage can make a connection useless."""

SAFE_AGE = 3600.0
"""Seconds after which a file that nothing points at is swept, unless a process makes the record that it is named for.

Age alone does not say so: clocks are set, and those of two computers differ.
"""

_LOST = {
    "{} values of measurements that are not stored": """
        select count(*) from measured_values where measurement not in (select id from measurements)""",
    "{} signatures of measurements that are not stored": """
        select count(*) from measured_signatures where measurement not in (select id from measurements)""",
    "{} epochs of trainings that are not stored": """
        select count(*) from epochs where training not in (select id from trainings)""",
    "{} arrays of trainings or measurements that are not stored": """
        select count(*) from arrays
        where owner not in (select id from trainings) and owner not in (select id from measurements)""",
    "{} measurements of trainings that are not stored": """
        select count(*) from measurements
        where (training is not null and training not in (select id from trainings))
        or (other is not null and other not in (select id from trainings))""",
    "{} finished trainings without weights": """
        select count(*) from trainings
        where status = 'done'
        and (weights is null or weights not in (select file from arrays where owner = trainings.id))
        """,
    "{} records of unknown provenance": """
        select count(*) from (select provenance from trainings union all select provenance from measurements)
        where provenance not in (select id from provenance)""",
}

_OUT_OF_RANGE = "not isfinite(started) or year(started) not between 1 and 9999"
_UNREADABLE = {
    "training {} cannot be read: its recipe, its notes or its date are none": f"""
        select id from trainings
        where coalesce(not json_valid(recipe) or not json_valid(notes) or {_OUT_OF_RANGE}, true)
        or not (json_exists(recipe, '$.model.name') and json_exists(recipe, '$.network.name')
        and json_exists(recipe, '$.dataset.name') and json_exists(recipe, '$.seed'))""",  # noqa: S608 a constant
    "measurement {} cannot be read: its parameters, subject, request or date are none": f"""
        select id from measurements
        where coalesce(not json_valid(params) or not json_valid(subject) or not json_valid(request)
        or {_OUT_OF_RANGE}, true)""",  # noqa: S608 a constant
}


@dataclass(frozen=True)
class Verification:
    """Result of a verification: the number of checks, and the problems.

    Attributes:
        n_trainings: Trainings in the store.
        n_measurements: Measurements in the store.
        n_files: Files checked against their sums.
        tables: Rows of each table of the database, all values of which were read; ``None`` where they cannot be.
        problems: What is wrong, a sentence each; empty if the store is whole.
        leftovers: Files that nothing points at, left by processes that were killed; harmless.
    """

    n_trainings: int
    n_measurements: int
    n_files: int
    tables: Mapping[str, int | None]
    problems: tuple[str, ...]
    leftovers: tuple[Path, ...]


def verify(session: Callable[[], AbstractContextManager[object]], opening: Opening, path: Path) -> Verification:
    """Read every value, and check every checksum and every pointer.

    Args:
        session: Keeps what ``opening`` opens until it ends; no other process can write meanwhile.
        opening: Opens the store's database to be read.
        path: The store's folder.
    """
    # Before the database is read: what is collected in between is known there.
    delivered = Deliveries(path / "jobs").files()
    with session():
        tables, problems = _read_through(opening)
        known = _known(opening)
        pointed = {name for name, _, _ in known} | delivered
        leftovers = () if tables["arrays"] is None else _leftovers(path, pointed)
    wrong = list(_wrong_files(known, path / "arrays"))
    if wrong:  # nobody waited while files were read, so that some may have been replaced
        present = {name for name, _, _ in _known(opening)}
        problems += [sentence for name, sentence in wrong if name in present]
    counts = tables["trainings"] or 0, tables["measurements"] or 0
    return Verification(*counts, len(known), tables, tuple(problems), leftovers)


def problems_of(opening: Opening) -> list[str]:
    """Read every value of a database and check every pointer in it, and return what is wrong; files are not read."""
    return _read_through(opening)[1]


def sweep(leftovers: tuple[Path, ...], is_worked_on: Callable[[str], bool]) -> int:
    """Delete leftovers that are old and belong to no running process; return how many.

    Args:
        leftovers: What :func:`verify` found.
        is_worked_on: Says whether a process makes a record at this moment.
    """
    old = [path for path in leftovers if _age(path) > SAFE_AGE and not any(map(is_worked_on, _records(path)))]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _records(path: Path) -> list[str]:
    """Return what may be the id in a name such as ``training-ID-…`` or, of a checkpoint, ``ID-…``."""
    return path.name.split("-")[:2]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # its process has finished it meanwhile


def _read_through(opening: Opening) -> tuple[dict[str, int | None], list[str]]:
    tables, problems = _tables(opening)
    for check, sentence, statement in _CHECKS:
        # Where a table is damaged, that is said already, and what follows from it cannot be asked.
        with suppress(duckdb.Error), opening() as connection:
            problems += check(connection, sentence, statement)
    return tables, problems


def _tables(opening: Opening) -> tuple[dict[str, int | None], list[str]]:
    tables: dict[str, int | None] = {}
    problems = []
    for table in TABLES:
        try:
            with opening() as connection:
                tables[table] = _read(connection, table)
        except duckdb.Error as error:
            tables[table] = None
            problems.append(f"table {table} is damaged: {first_line(error)}")
    return tables, problems


def _known(opening: Opening) -> list[tuple[str, str, str]]:
    with suppress(duckdb.Error), opening() as connection:
        return arrays.files(connection)
    return []


def _leftovers(path: Path, known: set[str]) -> tuple[Path, ...]:
    """Return files that nothing points at: arrays without rows, and what was being written by a killed process."""
    found = [each for each in _files(path / "arrays") if each.name not in known]
    found += [each for folder in ("checkpoints", "jobs") for each in _files(path / folder) if each.suffix == PARTIAL]
    found += [each for each in _files(path) if PARTIAL in each.suffixes]  # a database that was being made, and its log
    return (*found, *left_by_the_dead(path / "turns"))


def _files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.is_file()] if folder.is_dir() else []


def _read(connection: DuckDBPyConnection, table: str) -> int:
    """Read every value of a table, and return how many rows it has."""
    # A hash of all columns: nothing less makes the database read them.
    statement = f"select count(*), bit_xor(hash(t)) from {table} as t"  # noqa: S608 a name of ours
    [(count, _)] = connection.execute(statement).fetchall()
    return int(count)


def _lost_rows(connection: DuckDBPyConnection, sentence: str, statement: str) -> list[str]:
    [(count,)] = connection.execute(statement).fetchall()
    return [sentence.format(count)] if count else []


def _unreadable_records(connection: DuckDBPyConnection, sentence: str, statement: str) -> list[str]:
    return [sentence.format(each) for (each,) in connection.execute(statement).fetchall()]


def _wrong_files(known: list[tuple[str, str, str]], folder: Path) -> Iterator[tuple[str, str]]:
    for name, checksum, owner in known:
        path = folder / name
        try:
            found = sha256(path)
        except FileNotFoundError:
            yield name, f"{path} of {owner} is missing"
        except OSError as error:
            yield name, f"{path} of {owner} cannot be read: {error.strerror}"
        else:
            if found != checksum:
                yield name, f"{path} of {owner} is damaged: its sha256 is {found}, and should be {checksum}"


_CHECKS = (
    *((_lost_rows, *each) for each in _LOST.items()),
    *((_unreadable_records, *each) for each in _UNREADABLE.items()),
)
