"""Seeing that a study's reports would work, before anything is trained for them.

Their SQL is asked of a database in memory that holds made-up values of what the study will measure: what it cannot do
there it cannot do later, and keys that line up with nothing there will not later either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json
from vaehub.core.recipe import Recipe
from vaehub.core.result import Result, Signatures, Table
from vaehub.hub import requests
from vaehub.hub.study.definition import Analysis, Scaled
from vaehub.hub.study.grid import Cell
from vaehub.hub.study.placeholders import with_placeholders
from vaehub.hub.study.report import lined_up, results_of, rows_of, table_of
from vaehub.hub.subjects import TableSubject
from vaehub.hub.views import Rows
from vaehub.registry.catalog import Catalog
from vaehub.registry.entries import Entry, Metric
from vaehub.store.published import Figure
from vaehub.store.records import CellRecord, MeasurementRecord, TrainingRecord, now
from vaehub.store.rehearsal import RehearsalStore

SEEDS = 5
"""How many of the cells that differ in seeds alone are rehearsed: as many as queries of pairs and of ranks need."""


def rehearse(
    scaled: Scaled, cells: Sequence[Cell], figures: Sequence[Figure], catalog: Catalog
) -> list[tuple[Analysis, Rows]]:
    """Ask all queries of a study of made-up results, and return the rows that each analysis would see.

    Raises:
        VaehubError: If a query fails, a report lines up with nothing that is published, or an analysis cannot be asked.
    """
    for analysis in scaled.analyses:
        title = f"analysis {analysis.name!r} of study {scaled.study!r}"
        try:
            entry = catalog.find("metric", analysis.metric).entry
            requests.component_of(catalog, "metric", analysis.metric, analysis.params if _is_of_rows(entry) else {})
        except VaehubError as error:
            raise VaehubError(f"{title}: {error}") from error
        if not _is_of_rows(entry):
            raise VaehubError(f"{title} asks metric {analysis.metric!r}, which does not measure rows; put it in a grid")
    wanted = [(report.table, report.sql) for report in scaled.reports]
    names = {figure.name for figure in figures if figure.table in dict(wanted)}
    for sql in [sql for _, sql in wanted] + [analysis.sql for analysis in scaled.analyses]:
        names |= _texts(sql)
    settings = [cell.settings for cell in cells] + [{"analysis": analysis.name} for analysis in scaled.analyses]
    with RehearsalStore.made() as store:
        _fill(store, scaled, _but_for_most_seeds(cells), sorted(names), figures)
        seen = []
        for analysis in scaled.analyses:
            try:
                answer = store.query(results_of(scaled, settings, analysis.sql))
                seen.append((analysis, Rows(with_placeholders(answer))))
            except VaehubError as error:
                raise VaehubError(f"analysis {analysis.name!r} of study {scaled.study!r}: {error}") from error
        for report in scaled.reports:
            of_table = table_of(scaled, report, figures)
            lined_up(scaled, report, rows_of(scaled, report, settings, store.query), of_table)
        return seen


def _but_for_most_seeds(cells: Sequence[Cell]) -> list[Cell]:
    """Return the first few of the cells that differ in seeds alone: what a query can do with them, it can with all."""
    kinds: dict[str, list[Cell]] = {}
    for cell in cells:
        kept = {name: value for name, value in cell.settings.items() if name not in ("seed", "data.seed")}
        kind = f"{canonical_json(cell.request.metric.identity())} {canonical_json(kept)}"
        kinds.setdefault(kind, []).append(cell)
    return [cell for alike in kinds.values() for cell in alike[:SEEDS]]


def _is_of_rows(entry: Entry) -> bool:
    return isinstance(entry, Metric) and entry.subject == TableSubject.kind


def _fill(
    store: RehearsalStore, scaled: Scaled, cells: Sequence[Cell], names: Sequence[str], figures: Sequence[Figure]
) -> None:
    trained: dict[str, TrainingRecord] = {}
    measured: dict[str, MeasurementRecord] = {}
    for cell in cells:
        request = cell.request
        trained |= {recipe.id: _training(recipe) for recipe in request.subject.trainings}
        training = next((recipe.id for recipe in request.subject.trainings), None)
        subject = request.subject.key()
        measured[request.id] = _measurement(request.id, request.metric.name, subject, training, request.seed)
    store.insert_trainings(list(trained.values()))
    store.insert_measurements(list(measured.values()), Result(dict.fromkeys(names, 1.0), signatures=_signatures(names)))
    analyses = [_measurement(each.name, each.metric, {}, None, 0) for each in scaled.analyses]
    store.insert_measurements(analyses, _keyed(names, figures))
    of_analyses = [CellRecord(None, {"analysis": each.name}, each.metric, None, each.name) for each in scaled.analyses]
    store.insert_study(scaled.study, scaled.scale, [cell.record() for cell in cells] + of_analyses)


def _texts(sql: str) -> set[str]:
    """Return all that a query has in quotes, of which some are names of values."""
    return {text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", sql)} - {""}


def _signatures(names: Sequence[str]) -> dict[str, Signatures]:
    """Return made-up signatures of layers that queries may name."""
    return {"signature": Signatures(names, np.ones((len(names), 1), np.float32), "")} if names else {}


def _keyed(names: Iterable[str], figures: Sequence[Figure]) -> Result:
    """Return made-up values with the keys of all that is published, which an analysis may well have."""
    keys = [figure.keys for figure in figures if figure.keys] or [{"key": ""}]
    # Every row of a table has all keys.
    columns = {name: [str(each.get(name, "")) for each in keys] for name in {name for each in keys for name in each}}
    return Result(tables={"analysis": Table(columns, {name: [1.0] * len(keys) for name in [*names, "value"]})})


def _training(recipe: Recipe) -> TrainingRecord:
    latent_dim = recipe.model.params.model_dump().get("latent_dim", 1)
    return TrainingRecord(recipe.id, recipe.identity(), latent_dim, "done", None, (), now(), 0.0, "cpu")


def _measurement(
    measurement: str, metric: str, subject: Mapping[str, Json], training: str | None, seed: int
) -> MeasurementRecord:
    return MeasurementRecord(measurement, metric, {}, seed, subject, {}, training, None, "done", None, now(), 0.0)
