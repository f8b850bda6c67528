"""Lines and bars with spread, from the rows of a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from vaehub import Columns, Result, Table, TableMetric, VaehubError
from vaehub.analysis import check_columns, holds_numbers, table_keys
from vaehub.plugins.curves.kernels import averaged, summary
from vaehub.plugins.curves.params import CurvesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Key = str | int | float
Part = Literal["y", "below", "bars"]

MOST_SERIES = 28
"""Lines of one strip that seven colours and four dashes tell apart; more cannot be read."""
MOST_PANELS = 24
ALL = "all"
"""Key of what has no group or no panel."""


@final
class Curves(TableMetric[CurvesParams]):
    """Centre and spread of columns over repeated runs, against another column; all that the picture shows is stored."""

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or hold no numbers, fewer than two places, and what cannot be drawn."""
        params = self.params
        if not self._drawn():
            raise VaehubError(f"metric {self.name!r} draws nothing; name columns as its parameter y, below or bars")
        others = [name for name in (params.group, params.panel, params.run) if name is not None]
        numbers = [*(column for _, column in self._drawn()), *params.verticals, *params.references.values()]
        check_columns(self.name, rows, [params.x, *others, *numbers], numbers)
        columns = [column for _, column in self._drawn()]
        if unknown := [name for name in params.references if name not in columns]:
            raise VaehubError(
                f"metric {self.name!r} has references for {unknown[0]!r}, which is not drawn; "
                f"drawn are {', '.join(map(repr, columns))}"
            )
        if params.horizontals_at and not params.y:
            raise VaehubError(
                f"metric {self.name!r} draws horizontal lines across those of its parameter y, which is empty; name "
                "columns there, or leave out horizontals_at"
            )
        self._check_places(rows)
        self._check_logarithms(rows)
        self._check_numbers(rows)

    def _check_places(self, rows: Columns) -> None:
        params, column = self.params, rows[self.params.x]
        lines = [*params.y, *params.below]
        if lines and not params.categories and not holds_numbers(column):
            raise VaehubError(
                f"metric {self.name!r} draws lines over numbers, which are not in {params.x!r}; cast it in the query, "
                "or set categories = true for places side by side"
            )
        if self._is_categorical(rows) and (refused := self._needs_numbers()):
            raise VaehubError(
                f"metric {self.name!r} has places side by side on the axis of {params.x!r}, where {refused} "
                "means nothing; leave it out, or have numbers and categories = false"
            )
        has_value = np.any([np.isfinite(rows[name].astype(np.float64)) for _, name in self._drawn()], axis=0)
        places = list(dict.fromkeys(key for key, has in zip(self._places(rows), has_value, strict=True) if has))
        places = [place for place in places if place is not None]
        if len(places) < 2:
            found = f"only one: {places[0]!r}" if places else "none"
            raise VaehubError(
                f"metric {self.name!r} draws over two values of {params.x!r} at least, and of the rows that have "
                f"something to draw there is {found}"
            )

    def _needs_numbers(self) -> str:
        """Name what is asked for that has a meaning on an axis of numbers only."""
        if "x" in self.params.log:
            return "log = ['x']"
        return "a vertical line" if self.params.verticals or self.params.verticals_at else ""

    def _check_logarithms(self, rows: Columns) -> None:
        params = self.params
        columns = {"x": [params.x, *params.verticals], "y": list(params.y), "below": list(params.below)}
        lines = {"x": params.verticals_at, "y": params.horizontals_at, "below": {}}
        for axis in params.log:
            shown = {name: rows[name].astype(np.float64) for name in columns[axis]}
            shown |= {label: np.array([at], np.float64) for label, at in lines[axis].items()}
            for name, values in shown.items():
                if (values[np.isfinite(values)] <= 0).any():
                    raise VaehubError(
                        f"metric {self.name!r} has {name!r} on a logarithmic axis, and it holds "
                        f"{values[values <= 0][0]:g}; leave {axis!r} out of its parameter log"
                    )

    def _check_numbers(self, rows: Columns) -> None:
        """Refuse more panels or lines than can be told apart."""
        params = self.params
        n_groups = 1 if params.group is None else len(set(table_keys(rows[params.group])))
        n_panels = 1 if params.panel is None else len(set(table_keys(rows[params.panel])))
        n_series = n_groups * max(len(params.y), len(params.below), 0 if params.y or params.below else len(params.bars))
        for n, most, what in ((n_series, MOST_SERIES, "lines or bars in one strip"), (n_panels, MOST_PANELS, "panels")):
            if n > most:
                raise VaehubError(
                    f"metric {self.name!r} was asked for {n} {what}, of which {most} can be told apart; "
                    "narrow the query, or average over a column in it"
                )

    def measure(self, rows: Columns) -> Result:
        """Return centre, ends of the spread and number of runs at each place, of each line, bar and vertical line."""
        points: dict[str, list[Any]] = {name: [] for name in ("part", "column", "panel", "group", "x")}
        columns: dict[str, list[float]] = {name: [] for name in ("centre", "low", "high", "n")}
        if self.params.references:
            columns["reference"] = []
        for part, column in self._drawn():
            for (panel, group, x), chosen in self._cells(rows, part):
                found = self._summary(rows, column, chosen)
                if found[3]:
                    for name, key in zip(points, (part, column, panel, group, x), strict=True):
                        points[name].append(key)
                    for name, value in zip(columns, found, strict=False):
                        columns[name].append(value)
                    if self.params.references:
                        columns["reference"].append(self._reference(rows, column, chosen))
        tables = {"points": Table(points, columns)} | self._verticals(rows)
        left_out = np.array([place is None for place in self._places(rows)])
        for name in self.params.verticals:
            left_out &= ~np.isfinite(rows[name].astype(np.float64))
        return Result(scalars={"n_rows": len(left_out), "n_left_out": int(left_out.sum())}, tables=tables)

    def _drawn(self) -> list[tuple[Part, str]]:
        params = self.params
        parts: tuple[tuple[Part, tuple[str, ...]], ...] = (
            ("y", params.y),
            ("below", params.below),
            ("bars", params.bars),
        )
        return [(part, column) for part, columns in parts for column in columns]

    def _is_categorical(self, rows: Columns) -> bool:
        return self.params.categories or not holds_numbers(rows[self.params.x])

    def _places(self, rows: Columns) -> list[Key | None]:
        """Return where each row is on the horizontal axis, None where that is missing."""
        column = rows[self.params.x]
        known = (
            np.isfinite(column.astype(np.float64)) if holds_numbers(column) else [each is not None for each in column]
        )
        return [key if is_known else None for key, is_known in zip(table_keys(column), known, strict=True)]

    def _keys(self, rows: Columns, name: str | None) -> list[Key]:
        n = len(rows[self.params.x])
        return [ALL] * n if name is None else table_keys(rows[name])

    def _cells(self, rows: Columns, part: Part) -> list[tuple[tuple[Key, Key, Key], list[int]]]:
        """Return panel, group and place with the rows there: panels and groups as they come, numbers in order."""
        # Under lines, bars are of what the lines have in common.
        is_grouped = part != "bars" or not (self.params.y or self.params.below)
        panels = self._keys(rows, self.params.panel)
        groups = self._keys(rows, self.params.group if is_grouped else None)
        places = self._places(rows)
        found: dict[tuple[Key, Key, Key], list[int]] = {}
        for row, (panel, group, place) in enumerate(zip(panels, groups, places, strict=True)):
            if place is not None:
                found.setdefault((panel, group, place), []).append(row)
        rank = [_ranks(keys) for keys in (panels, groups, places)]
        if not self._is_categorical(rows):
            rank[2] = {place: place for place in rank[2]}
        return sorted(found.items(), key=lambda cell: tuple(of[key] for of, key in zip(rank, cell[0], strict=True)))

    def _summary(self, rows: Columns, column: str, chosen: Sequence[int]) -> tuple[float, float, float, int]:
        params = self.params
        values = rows[column][list(chosen)].astype(np.float64)
        if params.run is not None:
            runs = _ranks(table_keys(rows[params.run][list(chosen)]))
            labels = np.array([runs[key] for key in table_keys(rows[params.run][list(chosen)])], dtype=np.intp)
            values = averaged(values, labels, len(runs))
        return summary(values, centre=params.centre, spread=params.spread, coverage=params.coverage)

    def _reference(self, rows: Columns, column: str, chosen: Sequence[int]) -> float:
        beside = self.params.references.get(column)
        return np.nan if beside is None else summary(rows[beside][list(chosen)].astype(np.float64))[0]

    def _verticals(self, rows: Columns) -> dict[str, Table]:
        keys: dict[str, list[Key]] = {"label": [], "panel": []}
        found: list[tuple[float, float, float, int]] = []
        panels = self._keys(rows, self.params.panel)
        for panel in dict.fromkeys(panels):
            chosen = [row for row, each in enumerate(panels) if each == panel]
            of_columns = [(name, self._summary(rows, name, chosen)) for name in self.params.verticals]
            given = [(name, (at, np.nan, np.nan, 0)) for name, at in self.params.verticals_at.items()]
            for label, line in [*of_columns, *given]:
                if np.isfinite(line[0]):
                    keys["label"].append(label)
                    keys["panel"].append(panel)
                    found.append(line)
        if not found:
            return {}
        return {"verticals": Table(keys, dict(zip(("at", "low", "high", "n"), np.array(found).T, strict=True)))}

    def plot(self, result: Result) -> Figure:
        """Return a panel for each value of the panels' column, with strips of lines and of bars."""
        from vaehub.plugins.curves.plots import panels

        return panels(result, self.params)


def _ranks(keys: Sequence[Any] | NDArray[Any]) -> dict[Any, Any]:
    return {key: rank for rank, key in enumerate(dict.fromkeys(keys))}
