"""What a page says: the rows of its tables, in the order of the page, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json
from vaehub.hub.setting_labels import SEEDS, flat, metric_settings, setting_label, varied
from vaehub.hub.spread import deviation
from vaehub.hub.spread import mean as mean_of
from vaehub.report.records import Records

if TYPE_CHECKING:
    from vaehub.hub.study.report import ReportTable
    from vaehub.report.selection import Selection
    from vaehub.store.records import MeasurementRecord, StoredMeasurement

SHORT = 8
"""Characters of an id that people read."""
MOST_ROWS = 6_000
"""Rows of the table of values."""
COUNTS = {"n_active": "active", "n_relevant": "relevant", "n_selected": "selected", "significant_dims": "significant"}
"""Values that count the latents that a training uses, and what these latents are called."""


@dataclass(frozen=True)
class Count:
    """How many latents trainings of one setting use."""

    metric: str
    word: str
    text: str
    mean: float


@dataclass(frozen=True)
class Setting:
    """Trainings that differ in their seeds alone."""

    model: str
    network: str
    data: str
    label: str
    latents: str
    n: int
    counts: Sequence[Count]
    """Of the latents that are used, by metric."""


@dataclass(frozen=True)
class Value:
    """A number, over the seeds of one setting."""

    model: str
    data: str
    label: str
    metric: str
    name: str
    mean: str
    sd: str
    n: int


@dataclass(frozen=True)
class Item:
    """A measurement, in words."""

    id: str
    metric: str
    model: str
    data: str
    label: str
    seed: str
    training: str
    other: str
    status: str
    error: str
    seconds: str
    values: str
    """The first values in words, as the text that stands for a picture."""


@dataclass(frozen=True)
class Trained:
    """A training, in words."""

    id: str
    model: str
    network: str
    data: str
    latents: int
    label: str
    seed: str
    length: str
    losses: str
    seconds: str
    device: str
    status: str
    error: str
    notes: Sequence[str]


@dataclass(frozen=True)
class Tables:
    """Tables of a study beside what a paper prints, and why others could not be made."""

    tables: Sequence[ReportTable]
    reasons: Sequence[str]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many published values agree with ours, how many do not, and how many cannot be judged."""
        marks = [row.inside for table in self.tables for row in table.rows if row.published is not None]
        return marks.count(True), marks.count(False), marks.count(None)


def tables_of(selection: Selection) -> Tables:
    """Return the tables of a study; nothing where it is none, or nothing of it was made."""
    study = selection.study
    if study is None:
        return Tables((), ())
    found: list[ReportTable] = []
    reasons = []
    for each in study.definition.at(selection.scale).reports:
        try:
            found += study.report(each.name, selection.scale)
        except VaehubError as error:
            reasons.append(str(error))
    return Tables(found, list(dict.fromkeys(reasons)))


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as it is read; nothing where there is none."""
    if value is None:
        return ""
    if math.isnan(value):
        return "undefined"
    return f"{value:.{digits}g}"


def items(records: Records, analyses: Mapping[str, str]) -> list[Item]:
    """Return all measurements, in words; those that are analyses of a study with their names."""
    labels = _metric_labels(records) | dict(analyses)
    return [_item(records, found, labels) for found in records.measurements.values()]


def _item(records: Records, found: StoredMeasurement, labels: Mapping[str, str]) -> Item:
    record = found.record
    recipe = records.recipe_of(record)
    training = record.training if record.training in records.trainings else None
    parts = [records.label(training) if training else setting_label(recipe, records.varied), labels[record.id]]
    scalars = list(found.result.scalars.items())
    said = ", ".join(f"{name} {number(value)}" for name, value in scalars[:8])
    vectors = [f"{name} of {len(each.values)} by {each.index}" for name, each in found.result.vectors.items()][:3]
    return Item(
        record.id,
        record.metric,
        str(recipe.get("model", "")),
        str(recipe.get("dataset", "")),
        ", ".join(filter(None, parts)),
        records.seed_of(training) if training else str(record.seed),
        training or "",
        record.other or "",
        record.status,
        record.error or "",
        f"{record.seconds:.2f}",
        "; ".join(filter(None, [said, ", ".join(vectors)])),
    )


def _metric_labels(records: Records) -> dict[str, str]:
    """Return, for each measurement, the parameters in which those of its metric differ."""
    by_metric: dict[str, list[MeasurementRecord]] = {}
    for found in records.measurements.values():
        by_metric.setdefault(found.record.metric, []).append(found.record)
    labels: dict[str, str] = {}
    for same in by_metric.values():
        settings = [metric_settings(each.request) for each in same]
        names = varied(settings)
        labels |= {each.id: setting_label(own, names) for each, own in zip(same, settings, strict=True)}
    return labels


def settings(records: Records) -> list[Setting]:
    """Return the settings of trainings, with what was found of the number of latents."""
    groups: dict[str, list[str]] = {}
    for name in records.trainings:
        groups.setdefault(_setting_key(records.settings[name]), []).append(name)
    labels, shown = _metric_labels(records), dict[str, str]()
    counted: dict[str, dict[tuple[str, str], list[float]]] = {}
    for found in records.measurements.values():
        if found.record.training is not None and found.record.other is None:
            of_training = counted.setdefault(found.record.training, {})
            metric = canonical_json(found.record.request["metric"])
            shown[metric] = _labelled(found.record.metric, labels[found.record.id])
            for name, value in found.result.scalars.items():
                if name in COUNTS:
                    of_training.setdefault((metric, name), []).append(value)
    rows = []
    for names in groups.values():
        first = records.trainings[names[0]]
        values: dict[tuple[str, str], list[float]] = {}
        for name in names:
            for key, each in counted.get(name, {}).items():
                values.setdefault(key, []).append(mean_of(each))  # a training that was measured twice counts once
        counts = [
            Count(shown[metric], COUNTS[name], spread_text(each), mean_of(each))
            for (metric, name), each in values.items()
        ]
        latents = " or ".join(sorted({str(records.trainings[name].latent_dim) for name in names}, key=int))
        parts = (first.name_of("model"), first.name_of("network"), first.name_of("dataset"))
        rows.append(Setting(*parts, records.label(names[0]), latents, len(names), counts))
    return rows


def in_use(rows: Sequence[Setting]) -> dict[str, list[str]]:
    """Return how many latents are used, over all settings, and the metrics that say so."""
    counts: dict[tuple[str, str], list[Count]] = {}
    of: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for each in row.counts:
            counts.setdefault((each.metric, each.word), []).append(each)
            of.setdefault((each.metric, each.word), set()).update(row.latents.split(" or "))
    found: dict[str, list[str]] = {}
    for (metric, word), same in counts.items():
        means = [each.mean for each in same]
        least, greatest = number(min(means), 3), number(max(means), 3)
        text = same[0].text if len(same) == 1 else least if least == greatest else f"{least} to {greatest}"
        latents = " or ".join(sorted(of[metric, word], key=int))
        found.setdefault(f"{text} of {latents} {word}", []).append(metric)
    return found


def values(records: Records, found: Sequence[Item]) -> Iterator[Value]:
    """Yield mean and standard deviation of each single number over the seeds of its setting."""
    groups: dict[tuple[str, str], tuple[Item, dict[str, dict[str, list[float]]]]] = {}
    for item in found:
        record = records.measurements[item.id].record
        if record.status == "failed":
            continue
        setting = _setting_key(records.recipe_of(record))
        other = records.settings.get(item.other)
        key = (canonical_json(record.request["metric"]), setting + (_setting_key(other) if other else ""))
        if not setting or "rows" in record.subject:
            key = (item.id, "")
        numbers = groups.setdefault(key, (item, {}))[1]
        # A training, or a pair, that was measured with several seeds counts once.
        measured = f"{item.training} {item.other}" if item.training else item.id
        for name, value in records.measurements[item.id].result.scalars.items():
            numbers.setdefault(name, {}).setdefault(measured, []).append(value)
    for item, numbers in groups.values():
        for name, by_training in numbers.items():
            each = [mean_of(same) for same in by_training.values()]
            sd = deviation(each)
            shown = "" if sd is None or math.isnan(sd) else number(sd, 3)
            mean = number(mean_of(each), 5)
            yield Value(item.model, item.data, item.label, item.metric, name, mean, shown, len(each))


def spread_text(found: Sequence[float]) -> str:
    """Return mean and standard deviation of some values, as they are read."""
    sd = deviation(found)
    return number(mean_of(found), 3) + ("" if sd is None or math.isnan(sd) else f" ± {number(sd, 2)}")


def trained(records: Records) -> list[Trained]:
    """Return all trainings, in words."""
    rows = []
    for name, record in records.trainings.items():
        own = records.settings[name]
        steps = own.get("train.steps")
        length = f"{steps} steps" if steps is not None else f"{own.get('train.epochs')} epochs"
        total = records.losses.get(name, {}).get("total", {})
        losses = ", ".join(f"{split} {number(points[-1][1])}" for split, points in total.items())
        rows.append(
            Trained(
                name,
                record.name_of("model"),
                record.name_of("network"),
                record.name_of("dataset"),
                record.latent_dim,
                records.label(name),
                records.seed_of(name),
                length,
                losses,
                f"{record.seconds:.1f}",
                record.device,
                record.status,
                record.error or "",
                record.notes,
            )
        )
    return rows


def facts(records: Records, found: Sequence[Item]) -> Mapping[str, object]:
    """Return what the comparison of two trainings shows, as plain values for the page's own script.

    Names stand once, and each training has a value for each of them.
    """
    settings: dict[str, dict[str, str]] = {}
    numbers: dict[str, dict[str, str]] = {name: {} for name in records.trainings}
    for name, record in records.trainings.items():
        settings[name] = {key: _plain(value) for key, value in flat(record.recipe).items()}
    labels = _metric_labels(records)
    for item in found:
        stored = records.measurements[item.id]
        if item.training in numbers and not item.other:
            where = _labelled(item.metric, labels[item.id])
            for name, value in stored.result.scalars.items():
                numbers[item.training][f"{where}: {name}"] = number(value, 5)
    names = [list(dict.fromkeys(name for each in part.values() for name in each)) for part in (settings, numbers)]
    return {
        "settings": names[0],
        "values": names[1],
        "trainings": {
            name: {
                "title": _title(records, name),
                "settings": [settings[name].get(each, "") for each in names[0]],
                "values": [numbers[name].get(each, "") for each in names[1]],
            }
            for name in records.trainings
        },
    }


def _title(records: Records, training: str) -> str:
    record = records.trainings[training]
    label = ", ".join(filter(None, [records.label(training), f"seed {records.seed_of(training)}"]))
    return f"{record.name_of('model')} on {record.name_of('dataset')}: {label} ({training[:SHORT]})"


def drawing_order(found: Sequence[Item]) -> dict[str, str]:
    """Return measurements with their metrics: of analyses first, then the first seed of every setting, and so on."""
    turns: dict[tuple[str, str], int] = {}
    order: list[tuple[int, int, Item]] = []
    for item in found:
        if item.status == "failed":
            continue
        key = (item.metric, f"{item.model} {item.data} {item.label}")
        turn = turns[key] = turns.get(key, -1) + 1
        order.append((0 if not item.training else 1 + turn, len(order), item))
    return {item.id: item.metric for _, _, item in sorted(order, key=lambda each: each[:2])}


def _labelled(metric: str, label: str) -> str:
    return f"{metric} ({label})" if label else metric


def _setting_key(recipe: Mapping[str, Json]) -> str:
    return canonical_json({name: each for name, each in recipe.items() if name not in SEEDS}) if recipe else ""


def _plain(value: Json) -> str:
    return "none" if value is None else value if isinstance(value, str) else canonical_json(value)
