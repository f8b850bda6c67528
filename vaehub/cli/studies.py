"""Studies and their reports in a terminal, and in other formats."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from rich.text import Text

from vaehub.cli import terminal
from vaehub.cli.standard_output import answer
from vaehub.cli.tables import cell, registered_as_json, table
from vaehub.hub.study.definition import varied_in_words
from vaehub.hub.study.report import ReportRow

if TYPE_CHECKING:
    from vaehub.hub.study.definition import Definition
    from vaehub.hub.study.pictures import StudyPicture
    from vaehub.hub.study.report import ReportTable
    from vaehub.hub.study.state import StudyState
    from vaehub.registry.catalog import Registered
    from vaehub.store.records import StudyRecord

FAILURES_SHOWN = 20


def listed(found: Sequence[Registered], asked: Sequence[StudyRecord]) -> None:
    """Print the studies that are installed, and those that the store was asked for."""
    rows = [(each.entry.name, each.entry.summary, each.entry.source, each.distribution) for each in found]
    table(["study", "", "source", "from"], rows)
    if asked:
        done = [
            (each.study, each.scale, each.n_done, each.n_failed, each.n_measurements, f"{each.asked:%Y-%m-%d %H:%M:%S}")
            for each in asked
        ]
        table(["in this store", "scale", "done", "failed", "of", "asked (UTC)"], done)


def listed_as_json(found: Sequence[Registered], asked: Sequence[StudyRecord]) -> dict[str, object]:
    """Return both as plain values."""
    return {"installed": [registered_as_json(each) for each in found], "asked": [asdict(each) for each in asked]}


def described(definition: Definition) -> None:
    """Print in a few lines what a study makes at each of its scales."""
    rows = []
    for scale in definition.scales:
        grids = definition.at(scale).grids
        metrics = dict.fromkeys(name for grid in grids for name in grid.metrics)
        rows.append([scale, len(grids), varied_in_words(grids), ", ".join(metrics)])
    table(["scale", "grids", "varied", "metrics"], rows)
    made = definition.at(definition.scales[-1]).reports
    table(["report", "title", "beside"], [[each.name, each.title, each.table or ""] for each in made])


def described_as_json(definition: Definition) -> dict[str, object]:
    """Return all grids of each scale, and its reports, as plain values."""
    return {scale: definition.at(scale).record() for scale in definition.scales}


WORDS = {
    "trying": "The time was over while all was tried out, and nothing more was made; give more with --budget.",
    "work": "The time was over before all was done; the same command goes on where it was.",
}
"""What is said of a study by what the end of its time interrupted."""


def state(found: StudyState) -> None:
    """Print how far a study is, and what failed."""
    console = terminal.out()
    counts = f"{found.done} of {found.n_measurements} measurements done, {found.failed} failed"
    now = {"running": found.running, "queued": found.queued, "lost": found.lost}
    more = "".join(f", {n} {phase}" for phase, n in now.items() if n)
    console.print(Text.assemble((found.study, "bold"), f" at scale {found.scale}: {counts}{more}, {found.left} left"))
    if found.stopped is not None:
        console.print(WORDS[found.stopped], markup=False)
    for remark in found.remarks:
        console.print(remark, markup=False)
    for settings, metric, reason in found.failures[:FAILURES_SHOWN]:
        console.print(f"failed: {metric} of {_settings(settings)}: {reason}", markup=False)
    if len(found.failures) > FAILURES_SHOWN:
        console.print(f"and {len(found.failures) - FAILURES_SHOWN} more", markup=False)


def state_as_json(found: StudyState) -> dict[str, object]:
    """Return it as plain values."""
    failures = [
        {"settings": settings, "metric": metric, "error": reason} for settings, metric, reason in found.failures
    ]
    names = ("study", "scale", "n_measurements", "done", "failed", "running", "queued", "lost", "left")
    counts = {name: getattr(found, name) for name in names}
    return counts | {"failures": failures, "remarks": list(found.remarks), "stopped": found.stopped}


def reports(found: Sequence[ReportTable], form: str, drawn: Sequence[StudyPicture] | None = None) -> None:
    """Print reports as ``table``, ``markdown``, ``csv`` or ``json``, and say where their pictures are, if any."""
    if form == "json":
        plain = [_plain(each) for each in found]
        terminal.print_json(plain if drawn is None else {"reports": plain, "pictures": list(map(_picture, drawn))})
        return
    for picture in drawn or ():
        terminal.err().print(str(picture.file or picture.reason), markup=False, highlight=False, soft_wrap=True)
    if form == "csv":
        _csv(found)
        return
    for each in found:
        if form == "markdown":
            _markdown(each)
        else:
            terminal.out().print(Text.assemble((_heading(each), "bold")))
            if each.rows:
                table(_columns(each), list(_cells(each)))
            else:
                terminal.out().print("no rows: the query finds nothing in what has been made\n")


def _heading(report: ReportTable) -> str:
    beside = f", beside table {report.table} of {report.paper}" if report.table is not None else ""
    return f"{report.name}: {report.title}{beside}" if report.title else f"{report.name}{beside}"


def _columns(report: ReportTable) -> list[str]:
    ours = [*report.keys, "name", "ours", "runs"]
    return [*ours, "published", "difference", "inside"] if report.table is not None else ours


def _cells(report: ReportTable) -> Iterator[list[str]]:
    for row in report.rows:
        ours = [*map(cell, row.keys.values()), row.name, _spread(f"{row.ours:.4g}", row.ours_spread), str(row.runs)]
        if report.table is None:
            yield ours
        elif row.published is None:
            yield [*ours, "", "", ""]
        else:
            published = _spread(row.printed or f"{row.published:.4g}", row.published_spread)
            inside = "" if row.inside is None else "yes" if row.inside else "no"
            yield [*ours, published, f"{row.difference:+.3g}", inside]


def _spread(value: str, spread: float | None) -> str:
    return value if spread is None else f"{value} ± {spread:.2g}"


def _markdown(report: ReportTable) -> None:
    lines = [_columns(report), ["---"] * len(_columns(report)), *_cells(report)]
    body = "\n".join("| " + " | ".join(item.replace("|", "\\|") for item in line) + " |" for line in lines)
    answer().write(f"**{_heading(report)}**\n\n{body}\n\n")


def _csv(found: Sequence[ReportTable]) -> None:
    keys = list(dict.fromkeys(key for report in found for key in report.keys))
    names = [field.name for field in fields(ReportRow) if field.name != "keys"]
    writer = csv.DictWriter(answer(), ["report", *keys, *names], restval="", lineterminator="\n")
    writer.writeheader()
    for report in found:
        for row in report.rows:
            writer.writerow({"report": report.name, **row.keys, **_row(row)})


def _plain(report: ReportTable) -> dict[str, object]:
    rows = [{"keys": dict(row.keys), **_row(row)} for row in report.rows]
    return {"name": report.name, "title": report.title, "paper": report.paper, "table": report.table, "rows": rows}


def _picture(drawn: StudyPicture) -> dict[str, object]:
    file = None if drawn.file is None else str(drawn.file)
    return {"analysis": drawn.analysis, "table": drawn.table, "file": file, "reason": drawn.reason}


def _row(row: ReportRow) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "keys"}


def _settings(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
