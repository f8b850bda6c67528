"""The command that compares two trainings, and its output."""

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import DeviceOption, JsonOption, StoreOption, TrackerOption, parse_settings
from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    from vaehub.core.result import Table
    from vaehub.hub.compare import Comparison


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="Id of a training, or the beginning of one.", autocompletion=completion.training_ids
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Id of another.", autocompletion=completion.training_ids)],
    metric: Annotated[
        str,
        typer.Option(
            "--metric", "-k", help="Metric of pairs, such as cka.", autocompletion=completion.names_of("metric")
        ),
    ],
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seed",
            min=0,
            help="Seed of both models; repeatable: each with each, and the mean. What is missing is trained.",
            show_default="those of A and B",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="metric.NAME=VALUE", help="Parameter of the metric.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", "-o", help="Where to write a picture of it, such as cka.png.")
    ] = None,
    device: DeviceOption = "auto",
    _trackers: TrackerOption = None,
    force: Annotated[bool, typer.Option("--force", help="Measure even what is stored.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two stored trainings, layer by layer."""
    from vaehub.cli import pictures, records, terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub
    from vaehub.hub.work import work
    from vaehub.training.devices import one_device_name

    settings = _settings(assignments or [])
    if picture is not None:
        pictures.check(picture)
    hub = Hub.open(store, device=one_device_name(device))
    with work(hub.store):
        with progress():
            found = hub.compare(a, b, metric, seeds=seeds or [], settings=settings, force=force)
        if picture is not None:
            pictures.write(found.plot(), picture)
    if as_json:
        terminal.print_json(
            {
                "metric": metric,
                "measurements": [records.as_json(each) for each in found.measurements],
                "mean": records.result_as_json(found.result),
            }
        )
        return
    _show(found)
    if picture is None:
        terminal.hint("the same command with --picture cka.png draws it")
    else:
        terminal.hint(f"picture: {picture}")


def _settings(assignments: list[str]) -> dict[str, object]:
    found = parse_settings(assignments)
    if wrong := [key for key in found if not key.startswith("metric.")]:
        raise VaehubError(
            f"setting {wrong[0]!r} is not the metric's, and trainings are what they are; write metric.NAME=VALUE"
        )
    return {key.removeprefix("metric."): value for key, value in found.items()}


def _show(found: "Comparison") -> None:
    from vaehub.cli import terminal
    from vaehub.cli.tables import cell, table

    console, n = terminal.out(), len(found.measurements)
    for pair in found.measurements:
        console.print(f"{found.metric} of {pair.record.training} and {pair.record.other}", markup=False)
    if n > 1:
        console.print(f"mean over {n} pairs", markup=False)
    for name, each in found.result.tables.items():
        console.print(name, markup=False)
        matrices = _matrices(each, console.width)
        for heading, rows in matrices:
            table(heading, rows)
        if not matrices:
            columns = [*each.keys.values(), *(column.tolist() for column in each.columns.values())]
            table([*each.keys, *each.columns], zip(*columns, strict=True))
    for name, value in found.result.scalars.items():
        console.print(f"{name} {cell(value)}", markup=False)


def _matrices(each: "Table", width: int) -> list[tuple[list[str], list[list[object]]]]:
    """Return each column of scores of pairs as a matrix, where it is one and the terminal is wide enough."""
    from vaehub.cli.layout import GAP

    if [key[-2:] for key in each.keys] != ["_a", "_b"]:
        return []
    first, second = each.keys.values()
    rows, columns = list(dict.fromkeys(first)), list(dict.fromkeys(second))
    widest = max(len(str(row)) for row in [*rows, *each.columns])
    needed = widest + sum(GAP + max(len(str(column)), len("-0.000")) for column in columns)
    places = {pair: at for at, pair in enumerate(zip(first, second, strict=True))}
    pairs = list(product(rows, columns))
    if needed > width or len(first) != len(pairs) or not places.keys() >= set(pairs):
        return []
    order = [places[pair] for pair in pairs]  # a metric may list its pairs in any
    return [
        ([name, *map(str, columns)], [[row, *values] for row, values in zip(rows, matrix.tolist(), strict=True)])
        for name, matrix in (
            (name, values[order].reshape(len(rows), -1).round(3)) for name, values in each.columns.items()
        )
    ]
