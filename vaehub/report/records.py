"""What is stored of a selection: records, values and losses, without arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vaehub.core.identity import Json
from vaehub.hub.setting_labels import flat, setting_label, varied
from vaehub.store.records import MeasurementRecord, StoredMeasurement, TrainingRecord

if TYPE_CHECKING:
    from vaehub.hub import Hub
    from vaehub.report.selection import Selection

POINTS = 48
"""Points of a loss curve, whatever the number of epochs."""

_LOSSES = """
with last as (select training, max(epoch) as epoch from epochs where training in ({ids}) group by training)
select e.training, e.name, e.part, e.epoch + 1 as epoch, e.value from epochs as e join last as l using (training)
where e.epoch = l.epoch or e.epoch % greatest(1, ceil((l.epoch + 1) / {points})::bigint) = 0
order by e.training, e.name <> 'total', e.name, e.part <> 'train', e.part, e.epoch
"""
_PROCESSES = """
select p.vaehub, p.plugins, p.python, p.torch, p.platform, p.git_commit, count(*) as records,
    min(r.started) as first, max(r.started) as last
from provenance as p join (
    select provenance, started from trainings where id in ({ids})
    union all select provenance, started from measurements where id in ({ids})
) as r on r.provenance = p.id
group by all order by first
"""

Losses = Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]
"""Points (epoch, value) by term and split."""


@dataclass(frozen=True)
class Records:
    """What a page shows.

    Attributes:
        measurements: By id, in the order of the selection.
        trainings: By id.
        losses: Of each training.
        processes: Versions of what wrote these records.
    """

    measurements: Mapping[str, StoredMeasurement]
    trainings: Mapping[str, TrainingRecord]
    losses: Mapping[str, Losses]
    processes: Sequence[Mapping[str, object]]

    @cached_property
    def settings(self) -> Mapping[str, Mapping[str, Json]]:
        """Settings of each training, by name."""
        return {name: flat(record.recipe) for name, record in self.trainings.items()}

    @cached_property
    def varied(self) -> Sequence[str]:
        """Settings in which trainings differ, but for their seeds, models, networks and data."""
        return varied(list(self.settings.values()))

    def label(self, training: str) -> str:
        """Return in what a training differs from others, but for its seed."""
        return setting_label(self.settings[training], self.varied)

    def seed_of(self, training: str) -> str:
        """Return the seeds of a training that tell it from others."""
        own = self.settings[training]
        seeds = [str(own["seed"])]
        others = {each.get("data.seed") for each in self.settings.values()}
        if len(others) > 1:
            seeds.append(f"data {own.get('data.seed')}")
        return ", ".join(seeds)

    def recipe_of(self, record: MeasurementRecord) -> Mapping[str, Json]:
        """Return the settings of what was measured, which need not be a training."""
        if record.training is not None and record.training in self.settings:
            return self.settings[record.training]
        recipe = record.subject.get("recipe")
        dataset = record.subject.get("dataset")
        if isinstance(recipe, Mapping):
            return flat(recipe)
        return flat({"dataset": dataset}) if isinstance(dataset, Mapping) else {}


def read(hub: Hub, selection: Selection) -> Records:
    """Return what is stored of a selection.

    Raises:
        StoreError: If the store is damaged.
    """
    with hub.store.session() as session:
        found: dict[str, StoredMeasurement] = {}
        for part in _parts(selection.measurements):
            found |= session.find_many(part)
        ids = [*selection.trainings]
        for each in found.values():
            ids += [name for name in (each.record.training, each.record.other) if name is not None]
        trainings: dict[str, TrainingRecord] = {}
        for part in _parts(list(dict.fromkeys(ids))):
            trainings |= session.trainings(part)
    measurements = {name: found[name] for name in selection.measurements if name in found}
    losses: dict[str, dict[str, dict[str, list[tuple[int, float]]]]] = {}
    for training, name, part, epoch, value in _rows(hub, _LOSSES, list(trainings)):
        losses.setdefault(training, {}).setdefault(name, {}).setdefault(part, []).append((epoch, value))
    names = ("vaehub", "plugins", "python", "torch", "platform", "git_commit", "records", "first", "last")
    processes = [dict(zip(names, row, strict=True)) for row in _rows(hub, _PROCESSES, [*trainings, *measurements])]
    return Records(measurements, trainings, losses, processes)


def _parts(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _rows(hub: Hub, query: str, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    if not ids:
        return iter(())
    quoted = ", ".join("'" + each.replace("'", "''") + "'" for each in ids)
    return iter(hub.sql(query.format(ids=quoted, points=POINTS)))
