"""From a study to its measurements, and from these to jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, cast

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json
from vaehub.core.params import parse
from vaehub.core.recipe import Component, Recipe, TrainParams
from vaehub.hub import requests
from vaehub.hub.requests import DEFAULT_DATASET, DEFAULT_NETWORK, FindTraining, MeasurementRequest, Settings
from vaehub.hub.study.definition import SCOPES, Grid, Scaled
from vaehub.hub.subjects import kind_of
from vaehub.registry.catalog import Catalog
from vaehub.registry.entries import Metric
from vaehub.store.records import CellRecord


@dataclass(frozen=True)
class Cell:
    """A measurement at a point of the grid.

    Attributes:
        point: Counted from 0; all that is measured of one recipe has the same.
        settings: Of the point and of the metric's own axes, by name, such as ``{"model": "vae", "data.n_classes": 5}``.
        request: What is measured.
    """

    point: int
    settings: Mapping[str, Json]
    request: MeasurementRequest

    def record(self) -> CellRecord:
        """Return what a store keeps."""
        training = next((recipe.id for recipe in self.request.subject.trainings), None)
        return CellRecord(self.point, self.settings, self.request.metric.name, training, self.request.id)


@dataclass
class Job:
    """The unit of work of one worker: a training, its snapshots, and their measurements.

    Attributes:
        recipes: With growing numbers of epochs, the last being the training; none for measurements of data.
        wanted: What is measured, by id.
        dry: Whether only to see that it could be done.
    """

    recipes: list[Recipe] = field(default_factory=list)
    wanted: dict[str, MeasurementRequest] = field(default_factory=dict)
    dry: bool = False


def cells_of(
    scaled: Scaled, catalog: Catalog, find: FindTraining, in_memory: Mapping[str, Component] | None = None
) -> list[Cell]:
    """Return all that a study asks for.

    Args:
        scaled: The study.
        catalog: Where names are looked up.
        find: Finds stored trainings that parameters name.
        in_memory: Datasets that were handed over in memory, by the names that the study has for them.

    Raises:
        VaehubError: If a name or a parameter is wrong.
    """
    maker = _Maker(catalog, find, in_memory or {})
    try:
        points = [(grid, settings) for grid in scaled.grids for settings in _points(grid.recipe, grid.axes)]
        return [cell for point, (grid, settings) in enumerate(points) for cell in maker.cells(point, grid, settings)]
    except VaehubError as error:
        raise VaehubError(f"study {scaled.study!r}: {error}") from error


def jobs_of(cells: Sequence[Cell]) -> list[Job]:
    """Return the jobs that cells need, each once."""
    jobs: dict[str, Job] = {}
    for cell in cells:
        request = cell.request
        trainings = request.subject.trainings
        work = _but_for_length(trainings[0]) if trainings else canonical_json(request.subject.key())
        job = jobs.setdefault(work, Job())
        known = {recipe.id for recipe in job.recipes}
        # Of several trainings the first is the job's; the others are made when they are measured, or by jobs of theirs.
        job.recipes += [recipe for recipe in trainings[:1] if recipe.id not in known]
        job.wanted[request.id] = request
    for job in jobs.values():
        job.recipes.sort(key=lambda recipe: recipe.train.length)
    return list(jobs.values())


def trials_of(cells: Sequence[Cell]) -> list[Job]:
    """Return the jobs to try beforehand: one of each kind, regardless of seed."""
    kinds: dict[str, Cell] = {}
    for cell in cells:
        kinds.setdefault(_but_for_seeds(cell), cell)
    return [replace(job, dry=True) for job in jobs_of(list(kinds.values()))]


class _Maker:
    """Makes cells; parts that many cells share are made once."""

    def __init__(self, catalog: Catalog, find: FindTraining, in_memory: Mapping[str, Component]) -> None:
        self._in_memory = in_memory
        self._catalog = catalog
        self._find = find
        self._made: dict[str, Any] = {}

    def cells(self, point: int, grid: Grid, settings: Mapping[str, Any]) -> Iterator[Cell]:
        scopes = _by_scope(settings)
        seed, dataset = _seed(settings), self._dataset(settings, scopes)
        recipe = self._recipe(settings, scopes, dataset, seed) if "model" in settings else None
        for name, fixed in grid.metrics.items():
            begin = f"metric.{name}."
            own = {key: values for key, values in grid.axes.items() if key.startswith(begin)}
            for varied in _points({}, own, metrics=True):
                params = {key.removeprefix(begin): value for key, value in varied.items()}
                entry, component = self._once("metric", name, {**fixed, **params}, self._metric)
                subject = kind_of(entry.subject, name).at_point(recipe, dataset, name)
                yield Cell(point, {**settings, **varied}, MeasurementRequest(component, subject, seed))

    def _dataset(self, settings: Mapping[str, Any], scopes: Mapping[str, Settings]) -> Component:
        name, make = settings.get("dataset", DEFAULT_DATASET), partial(requests.dataset_of, self._catalog)
        if name in self._in_memory:
            return self._in_memory[name]
        return cast(Component, self._once("dataset", name, scopes["data"], make))

    def _recipe(
        self, settings: Mapping[str, Any], scopes: Mapping[str, Settings], dataset: Component, seed: int
    ) -> Recipe:
        def component(kind: str, name: object) -> Component:
            return cast(
                Component, self._once(kind, name, scopes[kind], partial(requests.component_of, self._catalog, kind))
            )

        return Recipe(
            model=component("model", settings["model"]),
            network=component("network", settings.get("network", DEFAULT_NETWORK)),
            dataset=dataset,
            train=parse(TrainParams, scopes["train"], owner="training"),
            seed=seed,
        )

    def _metric(self, name: str, params: Mapping[str, Any]) -> tuple[Metric, Component]:
        return requests.metric_of(self._catalog, name, params, self._find)

    def _once(
        self, kind: str, name: object, params: Mapping[str, Any], make: Callable[[str, Mapping[str, Any]], Any]
    ) -> Any:
        if not isinstance(name, str):
            raise VaehubError(f"{kind} is {name!r} and should be a name in quotes")
        key = f"{kind} {name} {canonical_json(params)}"
        if key not in self._made:
            self._made[key] = make(name, params)
        return self._made[key]


def _by_scope(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    scopes: dict[str, dict[str, Any]] = {scope: {} for scope in (*SCOPES, "metric")}
    for key, value in settings.items():
        scope, _, name = key.partition(".")
        if name:
            scopes[scope][name] = value
    return scopes


def _seed(settings: Mapping[str, Any]) -> int:
    seed = settings.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise VaehubError(f"seed is {seed!r} and should be a whole number, 0 or more")
    return seed


def _points(
    recipe: Mapping[str, Any], axes: Mapping[str, list[Any]], *, metrics: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield all combinations of the axes of recipes, or of those of metrics, which only their own metric knows."""
    chosen = {name: values for name, values in axes.items() if name.startswith("metric.") is metrics}
    for values in product(*chosen.values()):
        yield {**recipe, **dict(zip(chosen, values, strict=True))}


def _but_for_length(recipe: Recipe) -> str:
    # Trainings in steps and in epochs stay apart, as one has no snapshots of the other.
    return recipe.vary(train={"epochs": 0} if recipe.train.steps is None else {"steps": 1}).id


def _but_for_seeds(cell: Cell) -> str:
    kept = {
        key: value
        for key, value in cell.settings.items()
        if key not in ("seed", "data.seed", "train.epochs", "train.steps")
    }
    return f"{canonical_json(cell.request.metric.identity())} {canonical_json(kept)}"
