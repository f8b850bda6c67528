"""Selecting what a report is about: a study, records by their ids, the answer to a query, or a whole store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError
from vaehub.hub.arguments import is_path
from vaehub.hub.views import must_differ

if TYPE_CHECKING:
    from vaehub.hub import Hub
    from vaehub.hub.study import Study

MOST = 5_000
"""Measurements, and trainings, that one page can show."""


@dataclass(frozen=True)
class Selection:
    """What a report is about.

    Attributes:
        title: Of the page.
        asked: What was asked, as a sentence.
        arguments: Of the command ``vaehub report`` that makes the page again.
        measurements: Their ids.
        trainings: Ids of trainings that were named themselves.
        study: The study, if it is one.
        scale: Of the study.
        analyses: Names of its analyses, by measurement.
    """

    title: str
    asked: str
    arguments: tuple[str, ...]
    measurements: tuple[str, ...]
    trainings: tuple[str, ...] = ()
    study: Study | None = None
    scale: str | None = None
    analyses: Mapping[str, str] = field(default_factory=dict)


def select(hub: Hub, names: Sequence[str] = (), *, query: str | None = None, scale: str | None = None) -> Selection:
    """Return what is asked for.

    Args:
        hub: Where it is looked up.
        names: A study, or ids of trainings and measurements; the whole store, if none are given.
        query: SQL with a column ``measurement`` or ``training``, instead of names.
        scale: Of the study.

    Raises:
        VaehubError: If there is nothing of it in the store, or more than a page can show.
    """
    if query is not None and names:
        raise VaehubError("a report takes names or a query, not both; leave out the names, or '--sql'")
    if not hub.store.exists:
        raise VaehubError(f"there is no store in {str(hub.store.path)!r} yet; 'vaehub run' makes one")
    is_study = len(names) == 1 and (is_path(names[0]) or _is_study(hub, names[0]))
    if scale is not None and not is_study:
        raise VaehubError("'--scale' was given without a study; name one")
    if query is not None:
        found = _of_query(hub, query)
    elif is_study:
        found = _of_study(hub, names[0], scale)
    else:
        found = _of_ids(hub, names) if names else _of_store(hub)
    for ids, kind in ((found.measurements, "measurements"), (found.trainings, "trainings")):
        if len(ids) > MOST:
            raise VaehubError(
                f"{len(ids):,} {kind} are more than one page can show, which is {MOST:,}; name a study or ids, or "
                "choose some with --sql"
            )
    return found


def _is_study(hub: Hub, name: str) -> bool:
    plain = name.rpartition(":")[2]
    return any(each.entry.name == plain for each in hub.catalog.entries("study"))


def _of_store(hub: Hub) -> Selection:
    trainings, measurements = hub.recent(MOST + 1)
    if not (trainings or measurements):
        raise VaehubError(f"store {str(hub.store.path)!r} has no records yet; 'vaehub run' makes some")
    return Selection(
        f"Store {hub.store.path.name}",
        "Everything in the store.",
        (),
        # As they were recorded, and not the latest first.
        tuple(each.id for each in reversed(measurements)),
        tuple(each.id for each in reversed(trainings)),
    )


def _of_study(hub: Hub, name: str, scale: str | None) -> Selection:
    study = hub.study(name)
    scaled = study.definition.at(scale)
    ids = [cell.request.id for cell in study.cells(scale)]
    with hub.store.session() as session:
        analyses = [cell for cell in session.cells(study.name, scaled.scale) if cell.cell is None]
        ids += [cell.measurement for cell in analyses]
        recorded = session.outcomes(ids)
    if not recorded:
        raise VaehubError(
            f"study {study.name!r} has no results at scale {scaled.scale!r} in store {str(hub.store.path)!r}; "
            f"'vaehub study run {name} --scale {scaled.scale}' makes them"
        )
    missing = len(set(ids)) - len(recorded)
    left = f" {missing:,} of its measurements are not made yet." if missing else ""
    return Selection(
        scaled.title or f"Study {study.name}",
        f"The study “{study.name}” at scale “{scaled.scale}”.{left}",
        # A page goes to others, whom the folders of this machine do not concern.
        (f"./{Path(name).name}" if is_path(name) else name, "--scale", scaled.scale),
        tuple(each for each in dict.fromkeys(ids) if each in recorded),
        (),
        study,
        scaled.scale,
        {cell.measurement: str(cell.settings["analysis"]) for cell in analyses},
    )


def _of_ids(hub: Hub, prefixes: Sequence[str]) -> Selection:
    trainings: list[str] = []
    measurements: list[str] = []
    with hub.store.session() as session:
        for prefix in prefixes:
            kind, found = hub.store.resolve(prefix)
            if kind == "training":
                trainings.append(found)
                measurements += [each.id for each in session.measurements_of(found)]
            else:
                measurements.append(found)
    return Selection(
        "Selected records",
        f"What is stored of {', '.join(prefixes)}.",
        tuple(prefixes),
        tuple(dict.fromkeys(measurements)),
        tuple(dict.fromkeys(trainings)),
    )


def _of_query(hub: Hub, query: str) -> Selection:
    rows = hub.sql(query)
    names = [name for name in ("measurement", "training") if name in rows.columns]
    if not names:
        raise VaehubError(
            f"the query gives columns {', '.join(rows.columns)}, and a report needs 'measurement' or 'training'; "
            "such as \"from measurements select id as measurement where metric = 'elbo'\""
        )
    must_differ([each for each in rows.columns if each in names], "a report needs one")
    table = rows.to_arrow()
    found = {name: [str(each) for each in table[name].unique().to_pylist() if each is not None] for name in names}
    measurements, trainings = found.get("measurement", []), found.get("training", [])
    if len(measurements) <= MOST and len(trainings) <= MOST:
        with hub.store.session() as session:
            trainings = list(session.trainings(trainings))
            if "measurement" not in names:
                measurements = [each.id for one in trainings for each in session.measurements_of(one)]
            measurements = list(session.outcomes(measurements))
    if not (measurements or trainings):
        raise VaehubError("the query finds nothing that is stored, so there is nothing to report")
    asked = f"What this query finds: “{query}”."
    # Which of its trainings a measurement is of, the measurements say.
    named = () if "measurement" in names else tuple(trainings)
    return Selection("Selected records", asked, ("--sql", query), tuple(measurements), named)
