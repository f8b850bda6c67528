"""What another store has and this one has not, copied by identity: all of it or nothing.

Files come first, without either database being held; then rows, in one transaction. Whoever is killed in between leaves
files that no row names, which ``vaehub verify --sweep`` deletes. Nothing of the other store changes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from vaehub.core.errors import StoreError
from vaehub.core.progress import task
from vaehub.store import arrays
from vaehub.store.conflicts import ArrayDifference, ArrayPair, Conflict, conflicts, difference_of
from vaehub.store.database import Database
from vaehub.store.failures import translated
from vaehub.store.files import copy_file, digests
from vaehub.store.merge_rows import Plan, array_pairs, carry_out, forget_lists, planned
from vaehub.store.reader import bounded
from vaehub.store.schema import VERSION, recorded_version
from vaehub.store.verify import problems_of


@dataclass(frozen=True)
class Merged:
    """What a merge of another store brought.

    Attributes:
        source: The other store.
        added: Rows that were added, by table; of tables that got any.
        n_files: Files that came along.
        n_withheld: Measurements that were not copied, since the training that they measure has other values here.
        conflicts: Records of which the two stores have different values; this one keeps its own.
    """

    source: Path
    added: Mapping[str, int]
    n_files: int
    n_withheld: int
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True)
class Source:
    """A store to be merged, which has been read from end to end.

    Attributes:
        path: Its folder.
        database: Its database; of an earlier schema, an upgraded copy.
    """

    path: Path
    database: Database

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"store {str(self.path)!r}"


@contextmanager
def source(path: Path, database: Database) -> Iterator[Source]:
    """Give a store to be merged, once it is known to be whole.

    Raises:
        StoreError: If it is no store, newer than this version, or damaged.
    """
    if not database.path.is_file():
        raise StoreError(f"there is no store at {str(path)!r}, which was to be merged")
    name = f"store {str(path)!r}"
    with ExitStack() as stack:
        with translated(name, "read"):
            up_to_date = stack.enter_context(_up_to_date(database))
            with up_to_date.as_it_is() as connection:
                damage = problems_of(lambda: nullcontext(connection)) or _missing_files(path / "arrays", connection)
        if damage:
            raise StoreError(
                f"{name} is damaged and was not merged: {damage[0]}; 'vaehub verify' tells all, and 'vaehub store "
                "rescue' makes a store of what is whole"
            )
        yield Source(path, up_to_date)


def merge(target: Database, path: Path, sources: Sequence[Source]) -> list[Merged]:
    """Copy what stores have and another has not, one after the other.

    Args:
        target: Database of the store that gets what it has not.
        path: Its folder.
        sources: The others.

    Raises:
        StoreError: If one of them cannot be copied; those before it stay.
    """
    found: list[Merged] = []
    for each in sources:
        try:
            found.append(_Merge(target, path, each).carried_out())
        except StoreError as error:
            if not found:
                raise
            before = ", ".join(repr(str(merged.source)) for merged in found)
            raise StoreError(f"{error}; what was merged before it stays: {before}") from error
    return found


@dataclass
class _Merge:
    """Merges one store into another.

    Args:
        target: Database of the store that gets what it has not.
        path: Its folder.
        source: The other store.
    """

    target: Database
    path: Path
    source: Source
    _differences: dict[ArrayPair, ArrayDifference | None] = field(default_factory=dict)
    _copied: set[str] = field(default_factory=set)

    def carried_out(self) -> Merged:
        """Copy what is missing, and return what that was.

        Raises:
            StoreError: If a file of the other store is damaged, or this one cannot be read or written; nothing has
                been changed then.
        """
        if self.target.is_held or self.source.database.is_held:
            raise StoreError("stores cannot be merged in the middle of a burst of records")
        if self.target.path.samefile(self.source.database.path):
            return Merged(self.source.path, {}, 0, 0, ())
        try:
            while True:
                plan, found = self._planned()
                if not plan.rows:
                    return Merged(self.source.path, {}, 0, plan.n_withheld, found)
                self._copy_files(plan)
                if (unwanted := self._written(plan)) is not None:
                    break  # else one of the stores was written meanwhile
        except BaseException:
            self._delete(self._copied)
            raise
        self._delete([*unwanted, *(self._copied - {name for name, _ in plan.files})])
        added = {table: n for table, (n, _) in plan.rows.items()}
        return Merged(self.source.path, added, len(plan.files), plan.n_withheld, found)

    def _planned(self) -> tuple[Plan, tuple[Conflict, ...]]:
        """Return what is missing, and what differs; nothing is written."""
        while True:
            with translated(f"store {str(self.path.resolve())!r}", "read"), self._side_by_side() as connection:
                pairs = array_pairs(connection)
                unknown = [pair for pair in pairs if pair not in self._differences]
                if not unknown:
                    different = self._different(pairs)
                    plan = planned(connection, different)
                    return plan, tuple(conflicts(connection, different)) if plan.has_conflicts else ()
            for pair in unknown:  # nobody waits while files are read
                self._differences[pair] = self._compared(pair)

    def _written(self, plan: Plan) -> list[str] | None:
        """Write rows and return files that are no longer needed; ``None`` if the plan has become another."""
        names = [name for name, _ in plan.files]
        with (
            translated(f"store {str(self.path)!r}", "written"),
            self._turns(),
            self.target.held() as connection,
            self.source.database.attached(connection, "other"),
            self.target.writing(),
        ):
            try:
                pairs = array_pairs(connection)
                if any(pair not in self._differences for pair in pairs):
                    return None
                if planned(connection, self._different(pairs)) != plan or not self._are_there(names):
                    return None
                return carry_out(connection, plan)
            finally:
                with suppress(duckdb.Error):  # of a transaction that failed, they are gone with it
                    forget_lists(connection)

    def _different(self, pairs: Sequence[ArrayPair]) -> dict[str, ArrayDifference]:
        return {pair.owner: found for pair in pairs if (found := self._differences[pair]) is not None}

    def _compared(self, pair: ArrayPair) -> ArrayDifference | None:
        """Compare arrays by their content: another version of HDF5 makes another file of the same numbers."""
        here, there = (
            {} if file is None else digests(path / "arrays" / file[0], file[1])
            for path, file in ((self.path, pair.here), (self.source.path, pair.there))
        )
        return difference_of(here, there)

    def _copy_files(self, plan: Plan) -> None:
        folder = self.path / "arrays"
        coming = [each for each in plan.files if each[0] not in self._copied]
        with task(f"copying files of {self.source.title}", len(coming)) as advance:
            for name, checksum in coming:
                if copy_file(self.source.path / "arrays" / name, folder, checksum):
                    self._copied.add(name)
                advance(1)

    def _are_there(self, names: Sequence[str]) -> bool:
        """Return whether all files are there, and make them young, so that nobody sweeps them meanwhile."""
        for name in names:
            try:
                os.utime(self.path / "arrays" / name)
            except FileNotFoundError:
                self._copied.discard(name)
                return False
        return True

    def _delete(self, names: Iterable[str]) -> None:
        """Delete files that no row names; what cannot be deleted, is swept one day."""
        with suppress(StoreError, duckdb.Error, OSError):
            if chosen := set(names):
                # In our turn, so that nobody names one of them meanwhile, as another merge of the same store would.
                with self.target.reading() as connection:
                    for name in chosen - {name for name, *_ in arrays.files(connection)}:
                        (self.path / "arrays" / name).unlink(missing_ok=True)

    @contextmanager
    def _turns(self) -> Iterator[None]:
        """Take the turns of both stores, in an order that all agree on, or two merges could wait for one another."""
        with ExitStack() as stack:
            for each in sorted((self.target, self.source.database), key=lambda database: str(database.path.resolve())):
                stack.enter_context(each.session())
            yield

    @contextmanager
    def _side_by_side(self) -> Iterator[DuckDBPyConnection]:
        """Open both databases to be read."""
        with (
            self._turns(),
            bounded() as connection,
            self.target.attached(connection, "results"),
            self.source.database.attached(connection, "other"),
        ):
            yield connection


@contextmanager
def _up_to_date(database: Database) -> Iterator[Database]:
    """Give a database of today's schema: the one that is there, or a copy that has been upgraded."""
    with database.as_it_is() as connection:
        version = recorded_version(connection)
    if version == VERSION:
        yield database
        return
    with tempfile.TemporaryDirectory(prefix="vaehub-") as folder:
        copy = Database(Path(folder) / database.path.name, database.timeout)
        with database.session():
            for suffix in ("", ".wal"):
                with suppress(FileNotFoundError) if suffix else nullcontext():
                    shutil.copyfile(f"{database.path}{suffix}", f"{copy.path}{suffix}")
        with copy.held():
            pass  # opening for writing migrates
        yield copy


def _missing_files(folder: Path, connection: DuckDBPyConnection) -> list[str]:
    present = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    known = arrays.files(connection)
    return [f"{folder / name} of {owner} is missing" for name, _, owner in known if name not in present]
