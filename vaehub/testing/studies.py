"""What studies and reference values promise."""

from __future__ import annotations

from vaehub.core.metric import TableMetric
from vaehub.hub.requests import metric_of
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.hub.study.rehearsal import rehearse
from vaehub.store.published import Paper
from vaehub.testing.failures import Item


def check_study(item: Item, scale: str | None = None) -> None:
    """Note why a study could not be made, or its reports not be drawn up; nothing is trained."""
    name, catalog = item.registered.entry.name, item.catalog
    definition = item.attempt("cannot be read", lambda: Definition(name, item.registered.read()))
    if not definition.title.strip():
        item.broken("has no title")
    scaled = item.attempt("has no such scale", lambda: definition.at(scale))
    cells = item.attempt("has a grid that cannot be made", lambda: cells_of(scaled, catalog, str))
    if not cells:
        item.broken("has a grid without cells")

    def rehearsed() -> None:
        papers = [each for each in catalog.entries("published") if each.entry.name == scaled.paper]
        figures = [figure for each in papers for figure in Paper(each.entry.name, each.read()).figures()]
        for analysis, rows in rehearse(scaled, cells, figures, catalog):
            _, component = metric_of(catalog, analysis.metric, analysis.params, str)
            catalog.find("metric", analysis.metric).load(TableMetric)(component.params).check(rows.to_numpy())

    item.attempt("has reports that could not be made", rehearsed)


def check_published(item: Item) -> None:
    """Note why reference values cannot be read."""
    name = item.registered.entry.name
    figures = item.attempt("cannot be read", lambda: list(Paper(name, item.registered.read()).figures()))
    if not figures:
        item.broken("has no value")
