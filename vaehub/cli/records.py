"""Trainings and measurements in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from rich.text import Text

from vaehub.cli import terminal
from vaehub.cli.layout import Bar
from vaehub.cli.tables import cell, table
from vaehub.hub.subjects import shown
from vaehub.hub.views import Measurement, groups_by_index, reading_order

if TYPE_CHECKING:
    from vaehub.core.result import Result, Vector
    from vaehub.hub.views import TrainingView
    from vaehub.store.records import MeasurementRecord, TrainingRecord
    from vaehub.store.verify import Verification

HEAD = 100
"""Values of a vector that are printed."""
ROWS = 20
"""Rows of a table that are printed: a graph may have hundreds of edges."""
SHORT = 8
"""Characters of an id that people read; any unique beginning is accepted."""


def measurement(item: Measurement) -> None:
    """Print a measurement: its subject, its scalars, and a table for each index."""
    console = terminal.out()
    console.print(
        Text.assemble((item.record.metric, "bold"), f" of {shown(item.record)}, measurement {item.id[:SHORT]}")
    )
    if item.record.status == "failed":
        console.print(f"failed: {item.record.error}", markup=False)
    for group in groups_by_index(item.result.vectors):
        _vectors(group)
    for name, found in item.result.tables.items():
        console.print(name, markup=False)
        columns = [*found.keys.values(), *(column.tolist() for column in found.columns.values())]
        table([*found.keys, *found.columns], zip(*(column[:ROWS] for column in columns), strict=True))
        _rest(len(columns[0]), ROWS, "rows")
    for name, value in item.result.scalars.items():
        console.print(f"{name} {cell(value)}", markup=False)
    for name, signatures in item.result.signatures.items():
        n, size = signatures.vectors.shape
        console.print(f"{name}: signatures of {n} layers, {size} numbers each", markup=False)
    for name, array in item.result.arrays.items():
        console.print(f"{name}: array of shape {array.shape}", markup=False)
    console.print()


def training(record: TrainingRecord, *, reused: bool | None = None) -> None:
    """Print one line on a training, and its notes."""
    n, unit = length_of(record)
    verb = "trained" if n else "not trained"
    verb = "failed" if record.status == "failed" else "taken from the store" if reused else verb
    length = f"1 {unit}" if n == 1 else f"{n} {unit}s"
    where = f"{record.name_of('dataset')} with network {record.name_of('network')}"
    console = terminal.out()
    console.print(
        Text.assemble(
            (record.name_of("model"), "bold"),
            f" on {where}, seed {record.seed}, {record.latent_dim} latents, {length}: {verb} "
            f"({record.seconds:.1f} s on {record.device}), training {record.id[:SHORT]}",
        )
    )
    for note in record.notes:
        console.print(f"note: {note}", markup=False)
    if record.error:
        console.print(record.error, markup=False)


def length_of(record: TrainingRecord) -> tuple[int, str]:
    """Return the length of a training and its unit, ``epoch`` or ``step``."""
    train = record.recipe["train"]
    assert isinstance(train, Mapping), "recipes are nested mappings"
    params = train["params"]
    assert isinstance(params, Mapping), "recipes are nested mappings"
    steps = params.get("steps")  # the recipes of older stores have none
    return cast(tuple[int, str], (params["epochs"], "epoch") if steps is None else (steps, "step"))


def training_view(view: TrainingView) -> None:
    """Print a training, its final losses, and its measurements."""
    training(view.record)
    if view.epochs:
        last = view.epochs[-1]
        names = list(dict.fromkeys(name for losses in last.values() for name in losses))
        rows = [[part, *(losses.get(name, float("nan")) for name in names)] for part, losses in last.items()]
        table([f"epoch {len(view.epochs)}", *names], rows)
    if view.measurements:
        records(view.measurements)


def records(items: Sequence[MeasurementRecord]) -> None:
    """Print a list of measurements."""
    rows = [
        (each.id[:SHORT], each.metric, (each.training or "")[:SHORT], each.seed, each.status, _time(each.started))
        for each in items
    ]
    table(["measurement", "metric", "training", "seed", "status", "started (UTC)"], rows)


def recent(trainings: Sequence[TrainingRecord], measurements: Sequence[MeasurementRecord]) -> None:
    """Print the latest records."""
    rows = [
        (
            each.id[:SHORT],
            *(each.name_of(part) for part in ("model", "network", "dataset")),
            each.latent_dim,
            each.seed,
            each.status,
            _time(each.started),
        )
        for each in trainings
    ]
    table(["training", "model", "network", "dataset", "latents", "seed", "status", "started (UTC)"], rows)
    records(measurements)


def verification(found: Verification) -> None:
    """Print what was checked and what is wrong."""
    console = terminal.out()
    console.print(
        f"{found.n_trainings} trainings, {found.n_measurements} measurements, {found.n_files} files checked: "
        + (f"{len(found.problems)} problems" if found.problems else "whole"),
        markup=False,
    )
    for problem in found.problems:
        console.print(problem, markup=False)
    if damaged := [name for name, rows in found.tables.items() if rows is None]:
        whole = ", ".join(f"{name} ({rows} rows)" for name, rows in found.tables.items() if rows is not None)
        console.print(f"damaged: {', '.join(damaged)}; whole: {whole or 'nothing'}", markup=False)
    if found.problems:
        terminal.hint("'vaehub store rescue' copies what is whole into a new store")
    if found.leftovers:
        terminal.hint(
            f"{len(found.leftovers)} files left by interrupted work; 'vaehub verify --sweep' deletes old ones"
        )


def as_json(item: Measurement) -> dict[str, object]:
    """Return a measurement as plain values."""
    record, training = item.record, item.training
    return {
        "measurement": record.id,
        "metric": record.metric,
        "params": record.params,
        "seed": record.seed,
        "status": record.status,
        "error": record.error,
        "seconds": record.seconds,
        "reused": item.reused,
        "subject": record.subject,
        "training": training and training_as_json(training),
        **result_as_json(item.result),
    }


def record_as_json(record: MeasurementRecord) -> dict[str, object]:
    """Return what was measured and when, as plain values; its units are with its values."""
    return {name: value for name, value in asdict(record).items() if name != "units"}


def training_as_json(record: TrainingRecord) -> dict[str, object]:
    """Return a training as plain values."""
    names = ("id", "status", "error", "latent_dim", "seconds", "device", "started")
    return {name: getattr(record, name) for name in names} | {"notes": list(record.notes), "recipe": record.recipe}


def result_as_json(result: Result) -> dict[str, object]:
    """Return what was measured as plain values."""
    return {
        "scalars": result.scalars,
        "vectors": {
            name: {"index": vector.index, "labels": vector.labels, "values": vector.values.tolist()}
            for name, vector in result.vectors.items()
        },
        "tables": {
            name: {"keys": found.keys, "columns": {key: column.tolist() for key, column in found.columns.items()}}
            for name, found in result.tables.items()
        },
        "signatures": {
            name: {"layers": found.layers, "size": found.vectors.shape[1], "space": found.space}
            for name, found in result.signatures.items()
        },
        "arrays": {name: list(array.shape) for name, array in result.arrays.items()},
    }


def _vectors(group: Mapping[str, Vector]) -> None:
    first = next(iter(group.values()))
    n, positive = len(first.values), first.values[first.values > 0]
    greatest = float(positive.max()) if len(positive) else 0.0
    rows = []
    for at in reading_order(group)[:HEAD]:
        label = [first.labels[at]] if first.labels else []
        share = float(first.values[at]) / greatest if greatest and first.values[at] > 0 else 0.0
        rows.append([at, *label, *(float(vector.values[at]) for vector in group.values()), Bar(share)])
    table([first.index, *([""] if first.labels else []), *group, ""], rows)
    _rest(n, HEAD, "values")


def _rest(n: int, shown: int, what: str) -> None:
    if n > shown:
        terminal.out().print(f"{shown} of {n:,} {what}; 'vaehub sql' and '--json' give all\n", markup=False)


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
