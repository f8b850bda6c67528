"""Tables of a study: ours by SQL, the published figures beside them, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any

from vaehub.core.display import Displayed
from vaehub.core.errors import VaehubError
from vaehub.hub.frames import Tabular
from vaehub.hub.spread import deviation, mean
from vaehub.hub.study.definition import NAMES, Report, Scaled
from vaehub.hub.views import Rows
from vaehub.store.published import Figure

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure as MplFigure

Key = str | int | float | None
Place = tuple[tuple[tuple[str, Key], ...], str]
"""Keys of a row with their values, and its name: what tells it from others."""
Ask = Callable[[str], "pa.Table"]

Z95 = 1.959963984540054
"""Half the width of a 95 % interval of a normal distribution, in standard errors."""


@dataclass(frozen=True)
class ReportRow:
    """One figure: ours, and the published one.

    Attributes:
        keys: What tells it from others, as the report's SQL names it.
        name: What was measured.
        ours: Mean over runs.
        ours_spread: Over runs, of the kind that is published, else the standard deviation; ``None`` for one run.
        runs: How many.
        published: As printed, as a number; ``None`` where nothing is published.
        published_spread: Of the runs behind it.
        spread_kind: Of both spreads: ``se`` (standard error), ``sd`` (standard deviation), ``ci95`` (half an interval).
        printed: The published number with its digits.
        difference: Ours less the published one.
        inside: Whether the difference is within 1.96 standard errors of both, and half a unit of the last digit
            printed; ``None`` where neither has a spread, or ours is undefined.
    """

    keys: Mapping[str, Key]
    name: str
    ours: float
    ours_spread: float | None
    runs: int
    published: float | None
    published_spread: float | None
    spread_kind: str
    printed: str | None
    difference: float | None
    inside: bool | None


@dataclass(frozen=True)
class ReportTable(Displayed, Tabular):
    """A report carried out."""

    name: str
    title: str
    paper: str | None
    table: str | None
    rows: Sequence[ReportRow]

    @property
    def keys(self) -> list[str]:
        """Names of the keys."""
        return list(self.rows[0].keys) if self.rows else []

    def __repr__(self) -> str:
        met = [row.inside for row in self.rows if row.inside is not None]
        beside = f", {sum(met)} of {len(met)} inside" if met else ""
        return f"ReportTable({self.name!r}, {len(self.rows)} rows{beside})"

    def plot(self) -> MplFigure:
        """Return our values as dots, a panel for each name and a row for each of the keys, beside the published ones.

        Raises:
            VaehubError: If no value is finite, or matplotlib is missing.
        """
        from vaehub.hub.study.table_plot import table_plot

        return table_plot(self)

    def to_arrow(self) -> pa.Table:
        """Return one row for each value as an Arrow table, with a column for each key."""
        import pyarrow as pa

        columns = {key: [row.keys[key] for row in self.rows] for key in self.keys}
        mixed = {key: len({type(value) for value in column} - {NoneType}) > 1 for key, column in columns.items()}
        found = {
            key: [value if value is None or not mixed[key] else str(value) for value in column]
            for key, column in columns.items()
        }
        names = [field.name for field in fields(ReportRow) if field.name != "keys"]
        return pa.table(found | {name: [getattr(row, name) for row in self.rows] for name in names})


class Reports(Displayed, tuple[ReportTable, ...]):
    """The tables of a study, one after the other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Reports({', '.join(map(repr, self))})"


def results_of(scaled: Scaled, settings: Sequence[Mapping[str, Any]], sql: str) -> str:
    """Return a study's query with ``results`` and ``signatures`` narrowed to what the study asks for at this scale.

    Every setting of the grid is a column of both: ``"data.n_classes"``, beside ``model``, ``network``, ``dataset`` and
    ``seed``, which data have too.
    """
    kinds: dict[str, str] = {}
    for each in settings:
        for name, value in each.items():
            kinds[name] = _wider(kinds.get(name), _kind(value))
    # Of data the store knows no model; the point of the grid does.
    known = [f"coalesce(settings ->> '{name}', {name}) as {name}" for name in NAMES if name in kinds and name != "seed"]
    replaced = f" replace ({', '.join(known)})" if known else ""
    more = "".join(
        f", cast(settings ->> '{_quoted(name)}' as {kind}) as \"{name}\"" for name, kind in kinds.items() if "." in name
    )
    of_study = f"study = '{_quoted(scaled.study)}' and scale = '{_quoted(scaled.scale)}'"
    narrowed = ", ".join(
        f"{view} as (select *{replaced}{more} from study_{view} where {of_study})"  # noqa: S608 names are quoted, and it is asked where nothing can be written
        for view in ("results", "signatures")
    )
    return f"with {narrowed}\nselect * from (\n{sql.strip().rstrip(';')}\n)"


def report_of(
    scaled: Scaled, report: Report, settings: Sequence[Mapping[str, Any]], ask: Ask, figures: Sequence[Figure]
) -> ReportTable:
    """Return a report.

    Args:
        scaled: The study.
        report: What to show.
        settings: Of the cells.
        ask: Asks the store.
        figures: Of the paper.

    Raises:
        VaehubError: If its SQL fails, gives other columns than it should, or its keys match nothing that is published.
    """
    of_table = table_of(scaled, report, figures)
    rows = rows_of(scaled, report, settings, ask)
    beside = lined_up(scaled, report, rows, of_table)
    found = [_row(dict(place[0]), place[1], values, beside[place]) for place, values in rows.items()]
    paper = None if report.table is None else scaled.paper
    return ReportTable(report.name, report.title, paper, report.table, found)


def table_of(scaled: Scaled, report: Report, figures: Sequence[Figure]) -> list[Figure]:
    """Return the published figures that a report names.

    Raises:
        VaehubError: If there are none.
    """
    if report.table is None:
        return []
    found = [figure for figure in figures if figure.table == report.table]
    if not found:
        tables = ", ".join(dict.fromkeys(figure.table for figure in figures))
        known = f"its tables are {tables}" if tables else "set 'published' to one of 'vaehub list published'"
        raise VaehubError(
            f"report {report.name!r} of study {scaled.study!r} lines up with table {report.table!r} of "
            f"{scaled.paper!r}, and there is none; {known}"
        )
    return found


def rows_of(
    scaled: Scaled, report: Report, settings: Sequence[Mapping[str, Any]], ask: Ask
) -> dict[Place, list[float]]:
    """Return the values of all runs, by keys and name, in order.

    Raises:
        VaehubError: If the SQL fails or gives other columns than it should.
    """
    title = f"report {report.name!r} of study {scaled.study!r}"
    try:
        rows = Rows(ask(results_of(scaled, settings, report.sql)))
    except VaehubError as error:
        raise VaehubError(f"{title}: {error}") from error
    missing = [name for name in ("name", "value") if name not in rows.columns]
    if missing:
        raise VaehubError(
            f"{title} gives columns {', '.join(rows.columns)}, and {' and '.join(missing)} is missing; a report has "
            "keys, a name and a value, one row for each run"
        )
    found: dict[Place, list[float]] = {}
    for row in rows:
        named = dict(zip(rows.columns, row, strict=True))
        name, value = named.pop("name"), named.pop("value")
        if not isinstance(name, str) or isinstance(value, str):
            raise VaehubError(f"{title} gives name {name!r} and value {value!r}, which should be text and a number")
        keys = tuple((key, _key(item)) for key, item in named.items())
        if value is not None:
            found.setdefault((keys, name), []).append(float(value))  # type: ignore[arg-type]
    return found


def lined_up(
    scaled: Scaled, report: Report, rows: Iterable[Place], figures: Sequence[Figure]
) -> dict[Place, Figure | None]:
    """Return the published figure of each row: of the same name, and equal in all keys that both tables have.

    Raises:
        VaehubError: If a row has several, or figures were named and no row has one.
    """
    title = f"report {report.name!r} of study {scaled.study!r}"
    found = {place: _figure(dict(place[0]), place[1], figures, title) for place in rows}
    if not (figures and found) or any(found.values()):
        return found
    published = {figure.name for figure in figures}
    keys, name = next((place for place in found if place[1] in published), next(iter(found)))
    first = next((figure for figure in figures if figure.name == name), figures[0])
    raise VaehubError(
        f"{title} lines up with nothing in table {report.table!r} of {scaled.paper!r}: it has rows such as "
        f"({_shown(dict(keys), name)}), and the table such as ({_shown(first.keys, first.name)})"
    )


def _figure(keys: Mapping[str, Key], name: str, figures: Sequence[Figure], title: str) -> Figure | None:
    known = {key for figure in figures for key in figure.keys}
    shared = [key for key in keys if key in known]
    found = [
        figure
        for figure in figures
        if figure.name == name and all(_key(figure.keys.get(key)) == keys[key] for key in shared)
    ]
    if len(found) > 1:
        more = sorted({key for figure in found for key in figure.keys} - set(shared))
        raise VaehubError(
            f"{title} has a row ({_shown(keys, name)}) that {len(found)} published figures match; give it the keys "
            f"that tell these apart: {', '.join(more)}"
        )
    return found[0] if found else None


def _row(keys: Mapping[str, Key], name: str, values: Sequence[float], figure: Figure | None) -> ReportRow:
    n, ours = len(values), mean(values)
    sd = deviation(values)
    kind = figure.spread_kind if figure is not None and figure.spread_kind in _PER_ERROR else "sd"
    ours_error = None if sd is None else sd / math.sqrt(n)
    spread = None if ours_error is None else ours_error * _per_error(kind, n)
    if figure is None or figure.value is None:
        return ReportRow(keys, name, ours, spread, n, None, None, kind, None, None, None)
    theirs_error = _published_error(figure)
    difference = ours - figure.value
    inside = None
    if (ours_error is not None or theirs_error is not None) and math.isfinite(difference):
        allowed = Z95 * math.hypot(ours_error or 0.0, theirs_error or 0.0) + _half_digit(figure)
        inside = abs(difference) <= allowed
    return ReportRow(keys, name, ours, spread, n, figure.value, figure.spread, kind, figure.printed, difference, inside)


_PER_ERROR = ("se", "sd", "ci95")


def _per_error(kind: str, n: int) -> float:
    """Return how many standard errors a spread of a kind is."""
    return {"se": 1.0, "sd": math.sqrt(n), "ci95": Z95}[kind]


def _published_error(figure: Figure) -> float | None:
    if figure.spread is None or figure.spread_kind not in _PER_ERROR:
        return None
    if figure.spread_kind == "sd" and figure.n_runs is None:
        return None
    return figure.spread / _per_error(figure.spread_kind, figure.n_runs or 1)


def _half_digit(figure: Figure) -> float:
    exponent = Decimal(figure.printed or "0").as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint"
    return "double" if isinstance(value, float) else "varchar"


def _wider(a: str | None, b: str) -> str:
    if a in (None, b):
        return b
    return "double" if {a, b} == {"bigint", "double"} else "varchar"


def _key(value: object) -> Key:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, bool | int | float | Decimal):
        return str(value)
    # JSON and SQL write one number in several ways.
    number = float(value)
    return int(number) if number.is_integer() else number


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _shown(keys: Mapping[str, object], name: str) -> str:
    return ", ".join([*(f"{key} {value}" for key, value in keys.items()), f"name {name}"])
