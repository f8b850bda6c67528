"""Values over several seeds: mean and spread."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaehub.cli import terminal
from vaehub.cli.records import length_of
from vaehub.cli.tables import cell, table
from vaehub.hub.spread import deviation, mean

if TYPE_CHECKING:
    from vaehub.hub.views import Measurement

HEADINGS = ("metric", "after", "value", "mean ± sd", "seeds")


def over_seeds(found: Sequence[Measurement]) -> list[list[object]]:
    """Return a row for each metric, length of a training, and number: its mean and its standard deviation over seeds.

    Values of single latents are left out, since the latents of two seeds have nothing to do with each other.
    """
    values: dict[tuple[str, str, str, str], list[float]] = {}
    for each in found:
        after = "" if each.training is None else _after(each)
        params = json.dumps(each.record.params, sort_keys=True, default=str)
        for name, value in each.result.scalars.items():
            values.setdefault((each.record.metric, params, after, name), []).append(value)
    return [
        [metric, after, name, spread(numbers), len(numbers)]
        for (metric, _, after, name), numbers in values.items()
        if len(numbers) > 1
    ]


def spread(numbers: Sequence[float]) -> str:
    """Return the mean and the standard deviation of the n - 1 kind, as text."""
    sd = deviation(numbers)
    return cell(mean(numbers)) + ("" if sd is None or math.isnan(sd) else f" ± {sd:.2g}")


def show_over_seeds(found: Sequence[Measurement]) -> None:
    """Print the rows, if there are any."""
    if rows := over_seeds(found):
        terminal.out().print(f"over {rows[0][-1]} seeds", markup=False)
        table(HEADINGS, rows)


def _after(each: Measurement) -> str:
    assert each.training is not None, "the caller has looked"
    n, unit = length_of(each.training)
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
