"""What a shell offers to complete a command with: names of the catalog, and ids of the store. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    from pathlib import Path

    from vaehub.store.records import MeasurementRecord, TrainingRecord

Candidates = list[tuple[str, str]]

LATEST = 200
"""Trainings, and as many measurements, whose ids are offered, the latest first."""
WAIT = 0.5
"""Seconds that a shell waits for a store which another process writes."""
LETTERS = 8
"""Letters of an id that are offered; any unique beginning is accepted."""


def names_of(*kinds: str) -> Callable[[str], Candidates]:
    """Return what completes names of the catalog, of some kinds or, if none is given, of all."""

    def names(incomplete: str) -> Candidates:
        return [each for each in _entries(kinds) if each[0].startswith(incomplete)]

    return names


def described(context: typer.Context, incomplete: str) -> Candidates:
    """Complete ``[KIND] NAME``; of a kind that has been written, only its names."""
    from vaehub.registry.entries import KINDS

    kinds = [kind.kind for kind in KINDS]
    match context.params.get("words"):
        case [kind, *_] if kind in kinds:
            return names_of(kind)(incomplete)
    return [(kind, "kind") for kind in kinds if kind.startswith(incomplete)] + names_of()(incomplete)


def ids(context: typer.Context, incomplete: str) -> Candidates:
    """Complete ids of trainings and measurements of the store that ``--store`` or ``VAEHUB_STORE`` names."""
    return [*_trainings(context, incomplete), *_measurements(context, incomplete)]


def training_ids(context: typer.Context, incomplete: str) -> Candidates:
    """Complete ids of trainings."""
    return list(_trainings(context, incomplete))


def studies_and_ids(context: typer.Context, incomplete: str) -> Candidates:
    """Complete names of studies, and ids."""
    return [*names_of("study")(incomplete), *ids(context, incomplete)]


def _entries(kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    from vaehub.registry.catalog import Catalog

    found: dict[str, str] = {}
    for each in Catalog().entries():
        if not kinds or each.entry.kind in kinds:
            found.setdefault(each.entry.name, each.entry.summary)
    yield from found.items()


def _trainings(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    trainings, _ = _recent(context)
    for each in trainings:
        if each.id.startswith(incomplete):
            what = f"{each.name_of('model')} on {each.name_of('dataset')}, seed {each.seed}"
            yield each.id[: max(LETTERS, len(incomplete))], what


def _measurements(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    _, measurements = _recent(context)
    for each in measurements:
        if each.id.startswith(incomplete):
            yield each.id[: max(LETTERS, len(incomplete))], f"{each.metric}, seed {each.seed}"


def _recent(context: typer.Context) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
    from vaehub.store.store import Store

    path: Path | None = context.params.get("store")
    try:
        store = Store.open(path, timeout=WAIT, upgrades=False)
        return store.recent(LATEST) if store.exists else ([], [])
    except VaehubError:
        # A prompt is no place for what is wrong with a store; the command itself says it.
        return [], []
