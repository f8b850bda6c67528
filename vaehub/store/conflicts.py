"""Two values for one identity: what two stores have of the same record, and differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from duckdb import DuckDBPyConnection

Kind = Literal["training", "measurement", "study", "analysis", "paper"]

_LETTERS = 12
"""Letters of a digest that a sentence has."""


@dataclass(frozen=True)
class Conflict:
    """A record of which two stores have different values; neither takes the place of the other.

    Attributes:
        kind: What it is.
        id: Its identity: of a study, name and scale; of a paper, the name of its study.
        name: Its metric or model.
        what: What differs, such as ``kl[3]``, ``weights`` or ``losses``.
        here: The value that the store has and keeps; of arrays and definitions, a digest.
        there: The value of the other store.
        n_different: Values and arrays that differ.
    """

    kind: Kind
    id: str
    name: str
    what: str
    here: str
    there: str
    n_different: int

    def __str__(self) -> str:
        title = self.id[:8] if self.kind in ("training", "measurement") else f"{self.id!r}"
        name = f" ({self.name})" if self.name else ""
        more = f", and {self.n_different - 1} more differ" if self.n_different > 1 else ""
        return f"{self.kind} {title}{name}: {self.what} is {self.here} here and {self.there} there{more}"


@dataclass(frozen=True)
class ArrayPair:
    """Files of the same record in two stores, of which the checksums differ or one is missing.

    Attributes:
        owner: The record.
        here: File and checksum in the store, if it has one.
        there: The same in the other store.
    """

    owner: str
    here: tuple[str, str] | None
    there: tuple[str, str] | None


@dataclass(frozen=True)
class ArrayDifference:
    """The first array that differs between two files of a record, by digests, and how many do."""

    name: str
    here: str
    there: str
    n_different: int


def difference_of(here: Mapping[str, str], there: Mapping[str, str]) -> ArrayDifference | None:
    """Return how the arrays of two files differ, given their digests by name, or ``None``."""
    names = [name for name in sorted(here.keys() | there.keys()) if here.get(name) != there.get(name)]
    if not names:
        return None
    first = names[0]
    one, other = (each.get(first, "missing")[:_LETTERS] for each in (here, there))
    return ArrayDifference(first, one, other, len(names))


def conflicts(connection: DuckDBPyConnection, arrays: Mapping[str, ArrayDifference]) -> list[Conflict]:
    """Return what differs, a record, study or paper each, with the first value that does.

    Args:
        connection: To both databases, with the tables of :mod:`vaehub.store.merge_rows`.
        arrays: Differences of arrays, by record.
    """
    values = {record: rest for record, *rest in connection.execute(_DIFFERENCES).fetchall()}
    found: list[Conflict] = []
    for record, kind, name in connection.execute(_RECORDS).fetchall():
        array = arrays.get(record)
        if record in values:
            what, here, there, n = values[record]
            found.append(Conflict(kind, record, name, what, here, there, n + (array.n_different if array else 0)))
        elif array is not None:
            what = f"{'weights' if kind == 'training' else 'array'} {array.name!r}"
            found.append(Conflict(kind, record, name, what, array.here, array.there, array.n_different))
    for statement in _OTHERS:
        for kind, record, name, what, here, there in connection.execute(statement).fetchall():
            found.append(Conflict(kind, record, name, what, here, there, 1))
    return found


_RECORDS = """
    select id, kind, name from (
        select id, 'training' as kind, model as name, rowid from results.trainings
        union all select id, 'measurement', metric, rowid from results.measurements
    )
    where id in (select id from temp.merge_different) order by kind desc, rowid
"""
# What a value is called, its two values, and the order in which values are told.
_DIFFERENCES = """
    with
    pairs as (
        select
            coalesce(h.measurement, t.measurement) as id,
            coalesce(h.name, t.name) || coalesce('[' || coalesce(h.index, t.index) || ']', '') as what,
            h.value::varchar as here,
            t.value::varchar as there,
            coalesce(h.index, t.index, -1) as place
        from (select * from results.measured_values where measurement in (select id from temp.merge_different)) as h
        full join (select * from other.measured_values where measurement in (select id from temp.merge_different)) as t
            on h.measurement = t.measurement and h.name = t.name
            and h.index_name is not distinct from t.index_name and h.index is not distinct from t.index
            and h.keys is not distinct from t.keys and h.label is not distinct from t.label
        where h.value is distinct from t.value
        union all
        select
            coalesce(h.measurement, t.measurement),
            coalesce(h.name, t.name) || ' of ' || coalesce(h.layer, t.layer),
            left(md5(concat(h.space, h.vector::varchar)), 12),
            left(md5(concat(t.space, t.vector::varchar)), 12),
            coalesce(h.position, t.position)
        from (select * from results.measured_signatures where measurement in (select id from temp.merge_different)) as h
        full join (
            select * from other.measured_signatures where measurement in (select id from temp.merge_different)
        ) as t on h.measurement = t.measurement and h.name = t.name and h.layer = t.layer and h.position = t.position
        where h.vector is distinct from t.vector or h.space is distinct from t.space
        union all
        select
            coalesce(h.training, t.training),
            concat(coalesce(h.part, t.part), ' ', coalesce(h.name, t.name), ' of epoch ', coalesce(h.epoch, t.epoch)),
            h.value::varchar,
            t.value::varchar,
            coalesce(h.epoch, t.epoch)
        from (select * from results.epochs where training in (select id from temp.merge_different)) as h
        full join (select * from other.epochs where training in (select id from temp.merge_different)) as t
            on h.training = t.training and h.epoch = t.epoch and h.part = t.part and h.name = t.name
        where h.value is distinct from t.value
    )
    select
        id,
        arg_min(what, (place, what)),
        coalesce(arg_min_null(here, (place, what)), 'missing'),
        coalesce(arg_min_null(there, (place, what)), 'missing'),
        count(*)
    from pairs group by id
"""
_OTHERS = (
    """
    select
        'study', concat(h.study, ', ', h.scale), '', 'what it asks for',
        left(md5(h.definition), 12), left(md5(t.definition), 12)
    from results.studies as h join other.studies as t using (study, scale)
    where (study, scale) in (select (study, scale) from temp.merge_other_studies)
    order by h.rowid
    """,
    """
    select
        'analysis', h.settings ->> 'analysis', concat(h.study, ', ', h.scale), 'the measurement of all results',
        left(h.measurement, 8), left(t.measurement, 8)
    from results.cells as h join temp.merge_other_analyses as t on t.place = h.rowid
    order by h.rowid
    """,
    """
    select
        'paper', study, '', 'the file of its reference values',
        left(any_value(h.source), 12), left(any_value(t.source), 12)
    from results.published as h join other.published as t using (study)
    where study in (select study from temp.merge_other_papers)
    group by study order by study
    """,
)
