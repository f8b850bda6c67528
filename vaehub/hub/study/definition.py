"""What a study is: a TOML file, read and checked, with one of its scales applied."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from vaehub.core.errors import UnknownName, VaehubError
from vaehub.core.params import Params, parse
from vaehub.files.regular import check_regular
from vaehub.hub.arguments import is_path
from vaehub.registry.catalog import Catalog

NAMES = ("model", "network", "dataset", "seed")
"""What a recipe names without a scope."""
SCOPES = ("model", "network", "data", "train")
USUAL_SCALE = "quick"
"""The scale that is meant where none is named and the study has one of this name."""
WHOLE = "whole"
"""The scale of a study that names none."""

Table = dict[str, Any]


class Grid(Params):
    """Points, and what is measured at each: single values, and axes of several, of which all combinations are taken."""

    recipe: Table = Field({}, description="one value for each name: model, network, dataset, seed, SCOPE.PARAMETER")
    axes: Table = Field({}, description="several values for each name; also metric.NAME.PARAMETER")
    metrics: dict[str, Table] = Field({}, description="parameters of each metric")


class PartOfStudy(Grid):
    """A grid that adds to what stands above it."""

    cases: list[Table] = Field([], description="settings that go together; each is made at all points")
    scales: list[str] | None = Field(None, description="scales at which it is made; all, if not given")


class Report(Params):
    """A table of results, with the published values beside it."""

    name: str = Field(description="what it is called")
    title: str = Field("", description="what it shows")
    table: str | None = Field(None, description="published table that it lines up with")
    sql: str = Field(description="query of the study's results: keys, name and value, a row for each run")
    scales: list[str] | None = Field(None, description="scales at which it is made; all, if not given")


class Analysis(Params):
    """A metric of tables, measured on the study's results."""

    name: str = Field(description="what it is called")
    metric: str = Field(description="a metric whose subject is rows")
    params: Table = Field({}, description="its parameters")
    sql: str = Field(description="query of the study's results")
    scales: list[str] | None = Field(None, description="scales at which it is made; all, if not given")


class _File(Grid):
    title: str = Field("", description="what the study is about")
    source: str = Field("", description="the publication")
    published: str | None = Field(
        None, description="paper whose figures stand beside ours; the study's name if not given"
    )
    grids: list[PartOfStudy] = Field([], description="grids that each add to what stands above, if there are several")
    scales: dict[str, Grid] = Field({}, description="what each scale changes; a value takes the place of an axis")
    reports: list[Report] = Field([], description="tables made of the results")
    analyses: list[Analysis] = Field([], description="metrics of the results")


@dataclass(frozen=True)
class Scaled:
    """A study at one scale.

    Attributes:
        study: Name of the study.
        scale: Name of the scale.
        title: What it is about.
        paper: Whose figures stand beside ours.
        grids: With the scale applied, and names flat: ``{"data.n_classes": [1, 5]}``.
        reports: Tables made of the results.
        analyses: Metrics of the results.
    """

    study: str
    scale: str
    title: str
    paper: str
    grids: tuple[Grid, ...]
    reports: tuple[Report, ...]
    analyses: tuple[Analysis, ...]

    def record(self) -> dict[str, Any]:
        """Return what a store keeps of it, as plain values."""
        return {
            "paper": self.paper,
            "grids": [grid.model_dump(mode="json") for grid in self.grids],
            "reports": [report.model_dump(mode="json") for report in self.reports],
            "analyses": [analysis.model_dump(mode="json") for analysis in self.analyses],
        }


class Definition:
    """A study as its file defines it.

    Args:
        name: In the catalog; of a file of the user's own, its name without the ending.
        content: Of the file; or what it would say, where there is none.
        reference: How commands name it; the name, if not given.

    Raises:
        VaehubError: If it is no study; says all that is wrong with it.
    """

    def __init__(self, name: str, content: bytes | Mapping[str, Any], reference: str = "") -> None:
        self.name = name
        self.reference = reference or name
        values = _read(name, content) if isinstance(content, bytes) else content
        self._file = parse(_File, values, owner=f"study {name!r}")
        self._must_differ("reports", [report.name for report in self._file.reports])
        self._must_differ("analyses", [analysis.name for analysis in self._file.analyses])
        for grid in (self._file, *self._file.grids, *self._file.scales.values()):
            both = sorted(_flat(grid.recipe).keys() & _flat(grid.axes).keys())
            if both:
                raise VaehubError(
                    f"study {name!r} has {both[0]!r} as one value and as an axis in the same grid; keep one"
                )
        named = [(f"grid {number}", grid.scales) for number, grid in enumerate(self._file.grids, 1)]
        named += [(repr(report.name), report.scales) for report in self._file.reports]
        named += [(repr(analysis.name), analysis.scales) for analysis in self._file.analyses]
        for what, scales in named:
            if unknown := [scale for scale in scales or () if scale not in self.scales]:
                raise VaehubError(
                    f"study {name!r} makes {what} at scale {unknown[0]!r}, and has {', '.join(self.scales)}"
                )

    @classmethod
    def read(cls, path: Path) -> Definition:
        """Return the study of a user's own file.

        Raises:
            VaehubError: If it cannot be read, or is no study.
        """
        try:
            if path.exists():
                check_regular(path)
            return cls(path.stem, path.read_bytes(), str(path))
        except OSError as error:
            raise VaehubError(f"study {str(path)!r} cannot be read: {error.strerror}") from error

    @property
    def title(self) -> str:
        """What it is about."""
        return self._file.title

    @property
    def source(self) -> str:
        """The publication."""
        return self._file.source

    @property
    def scales(self) -> list[str]:
        """Names of the scales, the usual one first."""
        names = list(self._file.scales) or [WHOLE]
        return sorted(names, key=lambda name: name != USUAL_SCALE)

    def at(self, scale: str | None) -> Scaled:
        """Return the study at a scale; at the usual one, if none is named.

        Raises:
            VaehubError: If there is no such scale, or a grid of it is empty.
        """
        name = scale or self.scales[0]
        if name not in self.scales:
            raise VaehubError(f"study {self.name!r} has no scale {name!r}; it has {', '.join(self.scales)}")
        file = self._file
        changes = file.scales.get(name, Grid())
        made = [grid for grid in file.grids or [PartOfStudy()] if grid.scales is None or name in grid.scales]
        if not made:
            raise VaehubError(f"study {self.name!r} makes none of its grids at scale {name!r}; name it in one")
        cases = [_merged(grid, Grid(recipe=case)) for grid in made for case in grid.cases or [{}]]
        grids = [_merged(_merged(file, grid), changes) for grid in cases]
        for grid in grids:
            self._check(grid)
        paper = file.published or self.name
        reports = [report for report in file.reports if report.scales is None or name in report.scales]
        analyses = [analysis for analysis in file.analyses if analysis.scales is None or name in analysis.scales]
        return Scaled(self.name, name, file.title, paper, tuple(grids), tuple(reports), tuple(analyses))

    def _check(self, grid: Grid) -> None:
        title = f"study {self.name!r}"
        if not grid.metrics:
            raise VaehubError(f"{title} measures nothing: a grid of it has no metric; add '[metrics.NAME]'")
        for kind, names in (("setting", grid.recipe), ("axis", grid.axes)):
            for key in names:
                scope, _, rest = key.partition(".")
                metric, _, param = rest.partition(".")
                if key in NAMES or (scope in SCOPES and rest):
                    continue
                if kind == "axis" and scope == "metric" and metric in grid.metrics and param:
                    continue
                raise VaehubError(
                    f"{title} has an unknown {kind} {key!r}; known are {', '.join(NAMES)} and the parameters of "
                    f"{', '.join(SCOPES)}, such as 'train.epochs'"
                    + (", and of its metrics, as 'metric.NAME.PARAMETER'" if kind == "axis" else "")
                )
        for key, values in grid.axes.items():
            if not isinstance(values, list) or not values:
                if values == []:
                    raise VaehubError(f"{title} has an empty grid: axis {key!r} has no values")
                raise VaehubError(f"{title} has axis {key!r} with {values!r}, which should be a list of values")
            if any(values.count(value) > 1 for value in values):
                raise VaehubError(f"{title} has axis {key!r} with the same value twice")

    def _must_differ(self, kind: str, names: list[str]) -> None:
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise VaehubError(f"study {self.name!r} has two {kind} of the name {twice[0]!r}; give each its own")


def _read(name: str, text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VaehubError(f"study {name!r} is no TOML: {error}") from error


def _merged(below: Grid, above: Grid) -> Grid:
    """Return a grid with the values of another in the place of its own, be they axes or not."""
    recipe, axes = _flat(above.recipe), _flat(above.axes)
    kept_recipe = {key: value for key, value in _flat(below.recipe).items() if key not in axes}
    kept_axes = {key: value for key, value in _flat(below.axes).items() if key not in recipe}
    # A grid or a scale that names metrics says which are measured; their parameters are added to.
    chosen = above.metrics or below.metrics
    metrics = {name: {**below.metrics.get(name, {}), **above.metrics.get(name, {})} for name in chosen}
    return Grid(recipe={**kept_recipe, **recipe}, axes={**kept_axes, **axes}, metrics=metrics)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Table:
    """Return names with scopes: ``train.epochs = 40`` and ``"train.epochs" = 40`` are equivalent."""
    found: Table = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def definition_named(name: str, catalog: Catalog) -> Definition:
    """Return the definition of a study in the catalog, or in a TOML file where the name is a path.

    Raises:
        VaehubError: If there is none, or the file is no study.
    """
    if is_path(name):
        return Definition.read(Path(name).expanduser())
    own = Path(f"{name}.toml")
    try:
        found = catalog.find("study", name)
    except UnknownName as error:
        hint = f"; the file here is asked for as './{own}'" if os.path.isfile(own) else ""
        raise UnknownName(f"{error}{hint}") from error
    return Definition(found.entry.name, found.read())


VALUES_SHOWN = 6
"""Values of an axis that are named."""


def varied_in_words(grids: Sequence[Grid]) -> str:
    """Return in a line what some grids vary: each axis over all of them, and each name that differs between them."""
    found: dict[str, list[object]] = {}
    for grid in grids:
        single = {name: [grid.recipe[name]] for name in NAMES if name in grid.recipe}
        for name, values in {**single, **grid.axes}.items():
            known = found.setdefault(name, [])
            known += [value for value in values if value not in known]
    return "; ".join(f"{name} {_some(values)}" for name, values in found.items())


def _some(values: Sequence[object]) -> str:
    shown = ", ".join(map(str, values[:VALUES_SHOWN]))
    return shown if len(values) <= VALUES_SHOWN else f"{shown} and {len(values) - VALUES_SHOWN} more"
