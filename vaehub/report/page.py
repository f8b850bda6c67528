"""One self-contained page of what is stored: tables, pictures, and what makes them again."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub import __version__
from vaehub.hub.plots import require_matplotlib
from vaehub.hub.whole_file import can_be_written, whole_file
from vaehub.registry.references import named, references
from vaehub.report import content
from vaehub.report.commands import commands_of
from vaehub.report.drawing import Drawn, draw, drawers
from vaehub.report.loss_curves import description, panels
from vaehub.report.records import Records, read
from vaehub.report.selection import Selection, select
from vaehub.store.records import now

if TYPE_CHECKING:
    from vaehub.hub import Hub

FEW_NAMES = 3
"""Models, or data, up to which the top of a page says what each of them is."""
SHOWN = 200
"""Rows of a table that are shown before more are asked for."""


@dataclass(frozen=True)
class WrittenReport:
    """A page that was written.

    Attributes:
        path: Where it is.
        n_bytes: Its size.
        n_trainings: Trainings on it.
        n_measurements: Measurements on it.
        n_failed: Of both, those that failed.
        n_pictures: Pictures of measurements, each or together, and of tables.
    """

    path: Path
    n_bytes: int
    n_trainings: int
    n_measurements: int
    n_failed: int
    n_pictures: int


def write_report(
    hub: Hub,
    names: Sequence[str] = (),
    *,
    path: PathLike[str] | str,
    query: str | None = None,
    scale: str | None = None,
) -> WrittenReport:
    """Write a page of what is stored into one file, which needs no other and no network.

    Args:
        hub: Whose store it is.
        names: A study, or ids of trainings and measurements, or their beginnings; the whole store, if none are given.
        path: File to write; it is whole, or as it was.
        query: SQL with a column ``measurement`` or ``training``, instead of names.
        scale: Of the study; the usual one if not given.

    Raises:
        VaehubError: If there is nothing to report, the store is damaged, matplotlib is missing, or the file cannot be
            written.
        WorkFailed: If writing fails, as on a full disk.
    """
    place = Path(path)
    require_matplotlib()
    can_be_written(place, "the report")
    selection = select(hub, names, query=query, scale=scale)
    with drawers(hub, len(selection.measurements)) as submit:
        records = read(hub, selection)
        items = content.items(records, selection.analyses)
        tables = content.tables_of(selection)
        drawn = draw(submit, records.measurements, content.drawing_order(items), tables.tables)
    page = _rendered(hub, selection, records, items, tables, drawn, place)
    with whole_file(place, "the report") as new:
        new.write_text(page, encoding="utf-8", errors="backslashreplace")
    n_failed = [*(each.status for each in records.trainings.values()), *(each.status for each in items)].count("failed")
    n_bytes = len(page.encode(errors="backslashreplace"))
    return WrittenReport(place, n_bytes, len(records.trainings), len(items), n_failed, drawn.n_pictures)


def _rendered(
    hub: Hub,
    selection: Selection,
    records: Records,
    items: Sequence[content.Item],
    tables: content.Tables,
    drawn: Drawn,
    path: Path,
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vaehub.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = content.number
    rows = list(content.values(records, items))
    style, script = _text("page.css"), _text("page.js")
    used = _used(selection, records, items)
    sources = {(each.entry.kind, each.entry.name): each.entry.source for each in hub.catalog.entries()}
    chosen, missing = named(references(hub.catalog.plugins), [sources[name] for name in used if name in sources])
    trained, settings = content.trained(records), content.settings(records)
    both: list[content.Trained | content.Item] = [*trained, *items]
    failed = [each for each in both if each.status == "failed"]
    return environment.get_template("page.html").render(
        selection=selection,
        made=f"{now():%Y-%m-%d %H:%M} UTC",
        version=__version__,
        style=style,
        script=script,
        # Nothing else runs and nothing is fetched, whatever the texts of a page are.
        policy=f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'",
        settings=settings,
        in_use=content.in_use(settings),
        summaries=_summaries(hub),
        few=FEW_NAMES,
        paper=_paper(selection, sources),
        tables=tables,
        values=rows[: content.MOST_ROWS],
        n_values=len(rows),
        items=items,
        trained=trained,
        failed=failed,
        drawn=drawn,
        curves={name: (panels(losses), description(losses)) for name, losses in records.losses.items()},
        facts=_json(content.facts(records, items)),
        again=_again(selection, path),
        commands=commands_of(hub.catalog, records.trainings, [each.record for each in records.measurements.values()]),
        processes=[_process(each) for each in records.processes],
        references="\n\n".join(each.text for each in chosen),
        missing=missing,
        sources=sorted({(*name, sources[name]) for name in used if sources.get(name)}),
        names={
            kind: sorted({getattr(each, kind) for each in (*items, *trained) if getattr(each, kind, "")})
            for kind in ("model", "data", "metric")
        },
        shown=SHOWN,
        short=content.SHORT,
    )


def _summaries(hub: Hub) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"model": {}, "data": {}}
    for kind, entry in (("model", "model"), ("data", "dataset")):
        # Of two plugins with one name, the page does not say which it is of.
        entries = [each.entry for each in hub.catalog.entries(entry)]
        once = Counter(each.name for each in entries)
        found[kind] = defaultdict(str, {each.name: each.summary for each in entries if once[each.name] == 1})
    return found


def _paper(selection: Selection, sources: Mapping[tuple[str, str], str]) -> str:
    """Return the publication whose values stand beside those of a study."""
    if selection.study is None:
        return ""
    paper = selection.study.definition.at(selection.scale).paper
    return sources.get(("published", paper), "")


def _text(name: str) -> str:
    return files("vaehub.report").joinpath("template", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(value: object) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _used(selection: Selection, records: Records, items: Sequence[content.Item]) -> dict[tuple[str, str], None]:
    used: dict[tuple[str, str], None] = {}
    for each in records.trainings.values():
        for kind in ("model", "network", "dataset"):
            used[kind, each.name_of(kind)] = None
    for item in items:
        used |= {("metric", item.metric): None, ("model", item.model): None, ("dataset", item.data): None}
    for found in records.measurements.values():
        if isinstance(features := found.record.params.get("features"), str):
            used["features", features] = None
    if selection.study is not None:
        used["study", selection.study.name] = None
        used["published", selection.study.definition.at(selection.scale).paper] = None
    return used


def _again(selection: Selection, path: Path) -> list[str]:
    """Return the commands that make what the page is about, and the page itself."""
    lines = []
    if selection.study is not None:
        lines.append(shlex.join(["vaehub", "study", "run", *selection.arguments]))
    return [*lines, shlex.join(["vaehub", "report", *selection.arguments, "--output", path.name])]


def _process(row: Mapping[str, object]) -> dict[str, str]:
    plugins = json.loads(str(row["plugins"]))
    return {
        "vaehub": str(row["vaehub"]),
        "plugins": ", ".join(f"{name} {version}" for name, version in plugins.items() if name != "vaehub"),
        "python": str(row["python"]),
        "torch": str(row["torch"]),
        "platform": str(row["platform"]),
        "commit": str(row["git_commit"] or "")[:12],
        "records": f"{row['records']:,}",
        "when": f"{row['first']:%Y-%m-%d %H:%M} to {row['last']:%Y-%m-%d %H:%M}",
    }
