"""Removing what one names of a store, and nothing that anything else needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from vaehub.core.errors import VaehubError
from vaehub.store.schema import OWNERS


@dataclass(frozen=True)
class Selection:
    """What is to be removed: the records for which all that is given holds.

    Attributes:
        ids: Trainings and measurements by id; any, if empty.
        failed: Only failed ones.
        study: Only what this study asks for and no other does.
        scale: Of the study, only this scale.
        before: Only what began before this moment, in UTC without zone.
        weights: Of trainings, the weights alone; whatever else there is of them stays, and so do all measurements.
    """

    ids: Sequence[str] = ()
    failed: bool = False
    study: str | None = None
    scale: str | None = None
    before: datetime | None = None
    weights: bool = False

    def check(self) -> None:
        """Refuse what selects all.

        Raises:
            VaehubError: If it does, or names a scale of no study.
        """
        if self.scale is not None and self.study is None:
            raise VaehubError(f"scale {self.scale!r} was given without a study; name one with '--study'")
        if not (self.ids or self.failed or self.study or self.before):
            raise VaehubError(
                "nothing was said of what to remove; give ids, '--failed', '--study', '--before', or several of them"
            )

    @property
    def is_whole_study(self) -> bool:
        """Whether a study goes with all that it asks for."""
        return self.study is not None and not (self.ids or self.failed or self.before or self.weights)


@dataclass(frozen=True)
class Pruned:
    """What goes, or would go.

    Attributes:
        trainings: Ids of trainings that go; of a selection of weights, of those whose weights go.
        measurements: Ids of measurements that go.
        files: Files of weights and arrays that go.
        n_bytes: Their size.
        kept: Ids of trainings that were selected and stay, since something that stays needs them.
        is_done: Whether they are gone.
    """

    trainings: tuple[str, ...]
    measurements: tuple[str, ...]
    files: tuple[str, ...]
    n_bytes: int
    kept: tuple[str, ...]
    is_done: bool


PRUNED = "its weights were pruned; ask for it again to train it again"
"""The reason why a training without weights counts as failed."""

# Of several studies that ask for a record, none may lose it by another's end.
_ASKED = "(study = $study and ($scale is null or scale = $scale))"
_OF_STUDY = """
    id in (select {column} from cells where {asked})
    and id not in (
        select {column} from cells where {column} is not null and not {asked}
    )
"""
_SELECTED = """
    create or replace temp table prune_{table} as
    select id from {table}
    where ($ids is null or list_contains($ids, id))
    and (not $failed or status = 'failed')
    and ($before is null or started < $before)
    and ($study is null or ({of_study}))
"""
_PARTNERS = f"""
    insert into temp.prune_trainings
    select distinct other from measurements
    where other is not null and id in (select id from temp.prune_measurements)
    and other not in (select id from temp.prune_trainings)
    and other not in (
        select training from cells where training is not null and not {_ASKED}
    )
"""  # noqa: S608 a constant
_WITH_WEIGHTS = "delete from temp.prune_trainings where id not in (select id from trainings where weights is not null)"
# A record names another in its subject, in a parameter, or in its recipe.
_NEEDED = """
    create or replace temp table prune_needed as
    select p.id from temp.prune_trainings as p
    where exists (
        select 1 from measurements as m
        where m.id not in (select id from temp.prune_measurements)
        and (m.training = p.id or m.other = p.id or contains(m.request, p.id))
    ) or exists (
        select 1 from trainings as t
        where t.id != p.id and t.id not in (select id from temp.prune_trainings) and contains(t.recipe, p.id)
    )
"""
_FILES = """
    select distinct file from arrays
    where owner in (select id from temp.prune_trainings) or owner in (select id from temp.prune_measurements)
    order by file
"""


def selected(connection: DuckDBPyConnection, chosen: Selection, folder: Path) -> Pruned:
    """Return what a selection removes; nothing is changed.

    Args:
        connection: To the database.
        chosen: The selection.
        folder: Where the files are.

    Raises:
        VaehubError: If a training that was named by its id is needed.
    """
    values = {
        "ids": list(chosen.ids) or None,
        "failed": chosen.failed,
        "before": chosen.before,
        "study": chosen.study,
        "scale": chosen.scale,
    }
    for table, column in (("trainings", "training"), ("measurements", "measurement")):
        connection.execute(
            _SELECTED.format(table=table, of_study=_OF_STUDY.format(column=column, asked=_ASKED)), values
        )
    if chosen.study is not None:
        if not connection.execute("select 1 from cells where study = ? limit 1", [chosen.study]).fetchall():
            raise VaehubError(f"the store has nothing of study {chosen.study!r}; 'vaehub study list' shows what it has")
        if chosen.is_whole_study:
            connection.execute(_PARTNERS, {"study": chosen.study, "scale": chosen.scale})
    if chosen.weights:
        connection.execute("delete from temp.prune_measurements")
        connection.execute(_WITH_WEIGHTS)
        kept: tuple[str, ...] = ()
    else:
        connection.execute(_NEEDED)
        kept = _ids(connection, "needed")
        _refuse_named(kept, chosen)
        connection.execute("delete from temp.prune_trainings where id in (select id from temp.prune_needed)")
    files = tuple(name for (name,) in connection.execute(_FILES).fetchall())
    size = sum((folder / name).stat().st_size for name in files if (folder / name).is_file())
    return Pruned(_ids(connection, "trainings"), _ids(connection, "measurements"), files, size, kept, is_done=False)


def remove(connection: DuckDBPyConnection, chosen: Selection) -> None:
    """Remove the rows of what :func:`selected` found, in the same transaction."""
    if chosen.weights:
        gone = "in (select id from temp.prune_trainings)"
        connection.execute(
            f"update trainings set status = 'failed', error = ?, weights = null where id {gone}",  # noqa: S608
            [PRUNED],
        )
        connection.execute(f"delete from arrays where owner {gone}")  # noqa: S608
        return
    for table, column in {"trainings": "id", "measurements": "id", **OWNERS}.items():
        connection.execute(
            f"delete from {table} where {column} in "  # noqa: S608 names of ours
            "(select id from temp.prune_trainings union all select id from temp.prune_measurements)"
        )
    if chosen.is_whole_study:
        for table in ("cells", "studies"):
            connection.execute(
                f"delete from {table} where {_ASKED}",  # noqa: S608
                {"study": chosen.study, "scale": chosen.scale},
            )


def forget_lists(connection: DuckDBPyConnection) -> None:
    """Remove the tables that list what goes."""
    for name in ("trainings", "measurements", "needed"):
        connection.execute(f"drop table if exists temp.prune_{name}")


def _refuse_named(kept: Sequence[str], chosen: Selection) -> None:
    for each in kept:
        if each in chosen.ids:
            raise VaehubError(
                f"training {each[:8]} is needed by measurements that stay; name them too, or give '--weights' to "
                "remove its weights alone"
            )


def _ids(connection: DuckDBPyConnection, name: str) -> tuple[str, ...]:
    return tuple(each for (each,) in connection.execute(f"select id from temp.prune_{name} order by id").fetchall())  # noqa: S608
