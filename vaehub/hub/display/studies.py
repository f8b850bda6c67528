"""Studies, their tables and the suggestion of a number of latents in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from vaehub.core.errors import VaehubError
from vaehub.hub.display.figures import drawn
from vaehub.hub.display.tables import NOTHING, ROWS_SHOWN, cell, facts, paragraph, table, title
from vaehub.hub.study.definition import varied_in_words

if TYPE_CHECKING:
    from vaehub.hub.study import Study
    from vaehub.hub.study.report import ReportRow, Reports, ReportTable
    from vaehub.hub.study.state import StudyState
    from vaehub.hub.suggest_dim import Answer, Suggestion

FAILURES_SHOWN = 20


def study(found: Study) -> Markup:
    """Return what a study makes at each of its scales, its reports, and how far the usual scale is."""
    definition = found.definition
    scales = []
    for scale in definition.scales:
        grids = definition.at(scale).grids
        metrics = dict.fromkeys(name for grid in grids for name in grid.metrics)
        scales.append([scale, len(grids), varied_in_words(grids), ", ".join(metrics)])
    reports = definition.at(definition.scales[-1]).reports
    listed = table(["report", "title", "beside table"], [[each.name, each.title, each.table] for each in reports])
    try:
        now = state(found.state())
    except VaehubError as error:
        now = paragraph(str(error))
    return Markup("<div>{}{}{}{}</div>").format(
        title(found.name, definition.title),
        table(["scale", "grids", "varied", "metrics"], scales),
        listed if reports else NOTHING,
        now,
    )


def state(found: StudyState) -> Markup:
    """Return how far a study is, and what failed."""
    counts = [
        ("measurements", found.n_measurements),
        ("done", found.done),
        ("failed", found.failed),
        *((name, n or None) for name in ("running", "queued", "lost") if (n := getattr(found, name)) is not None),
        ("left", found.left),
    ]
    failures = [
        [metric, ", ".join(f"{name} {value}" for name, value in settings.items()), reason]
        for settings, metric, reason in found.failures
    ]
    return Markup("<div>{}{}{}{}</div>").format(
        title(found.study, f"at scale {found.scale}"),
        facts(counts),
        NOTHING.join(map(paragraph, found.remarks)),
        table(["failed", "at", "because"], failures[:FAILURES_SHOWN], n=len(failures)) if failures else NOTHING,
    )


def reports(found: Reports) -> Markup:
    """Return the tables of a study, one after the other."""
    return NOTHING.join(map(report, found))


def report(found: ReportTable) -> Markup:
    """Return a table of a study, with the published values beside ours where it has any."""
    has_published = found.table is not None
    beside = f", beside table {found.table} of {found.paper}" if has_published else ""
    head = [*found.keys, "name", "ours", "runs", *(["published", "difference", "inside"] if has_published else [])]
    lines = [list(_cells(row, has_published=has_published)) for row in found.rows[:ROWS_SHOWN]]
    if not found.rows:
        return title(found.name, found.title) + paragraph("no rows: the query finds nothing in what has been made")
    return title(found.name, f"{found.title}{beside}") + table(head, lines, n=len(found.rows))


def suggestion(found: Suggestion) -> Markup:
    """Return the recommendation, what each method says, and the plot of it."""
    lines = [
        [each.method, _says(each), f"{len(each.values)} of {each.n_asked}", each.suggests.meaning]
        for each in found.answers
    ]
    return Markup("<div>{}{}{}{}</div>").format(
        title(found.data, "" if found.latent_dim is None else f"{found.latent_dim} latents"),
        paragraph(found.words),
        table(["method", "says", "seeds", "which is the number of"], lines),
        drawn(found.plot, f"latents of {found.data} by each method"),
    )


def _cells(row: ReportRow, *, has_published: bool) -> Iterator[object]:
    yield from map(cell, row.keys.values())
    yield row.name
    yield _with_spread(f"{row.ours:.4g}", row.ours_spread)
    yield row.runs
    if has_published:
        yield "" if row.published is None else _with_spread(row.printed or f"{row.published:.4g}", row.published_spread)
        yield "" if row.difference is None else f"{row.difference:+.3g}"
        yield row.inside


def _with_spread(value: str, spread: float | None) -> str:
    return value if spread is None else f"{value} ± {spread:.2g}"


def _says(answer: Answer) -> str:
    if answer.mean is None:
        return "failed" if answer.failures else ""
    return _with_spread(f"{answer.mean:.3g}", answer.spread)
