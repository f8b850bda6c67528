"""Verification of a store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from vaehub.store import arrays
from vaehub.store.files import sha256

SAFE_AGE = 3600.0
"""Seconds after which a file that nothing points at cannot belong to a process about to record it."""

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


@dataclass(frozen=True)
class Verification:
    """Result of a verification: the number of checks, and the problems.

    Attributes:
        n_trainings: Trainings in the store.
        n_measurements: Measurements in the store.
        n_files: Files checked against their sums.
        problems: What is wrong, a sentence each; empty if the store is whole.
        leftovers: Files that nothing points at, left by processes that were killed; harmless.
    """

    n_trainings: int
    n_measurements: int
    n_files: int
    problems: tuple[str, ...]
    leftovers: tuple[Path, ...]


def verify(connection: DuckDBPyConnection, folder: Path) -> Verification:
    """Check every checksum and every pointer.

    Args:
        connection: To the store's database.
        folder: The store's folder of files.
    """
    known = arrays.files(connection)
    problems = [*_lost_rows(connection), *_wrong_files(known, folder)]
    names = {name for name, _, _ in known}
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    leftovers = tuple(path for path in present if path.is_file() and path.name not in names)
    n_trainings, n_measurements = (_count(connection, table) for table in ("trainings", "measurements"))
    return Verification(n_trainings, n_measurements, len(known), tuple(problems), leftovers)


def sweep(leftovers: tuple[Path, ...]) -> int:
    """Delete leftovers that are old enough to belong to no running process; return how many."""
    old = [path for path in leftovers if _age(path) > SAFE_AGE]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # its process has finished it meanwhile


def _lost_rows(connection: DuckDBPyConnection) -> Iterator[str]:
    for sentence, statement in _LOST.items():
        [(count,)] = connection.execute(statement).fetchall()
        if count:
            yield sentence.format(count)


def _wrong_files(known: list[tuple[str, str, str]], folder: Path) -> Iterator[str]:
    for name, checksum, owner in known:
        path = folder / name
        if not path.is_file():
            yield f"{path} of {owner} is missing"
        elif (found := sha256(path)) != checksum:
            yield f"{path} of {owner} is damaged: its sha256 is {found}, and should be {checksum}"


def _count(connection: DuckDBPyConnection, table: str) -> int:
    [(count,)] = connection.execute(f"select count(*) from {table}").fetchall()  # noqa: S608 two names of ours
    return int(count)
