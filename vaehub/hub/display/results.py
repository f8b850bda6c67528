"""Measurements, comparisons and answers to queries in a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from markupsafe import Markup

from vaehub.core.identity import canonical_json
from vaehub.hub.display.figures import drawn
from vaehub.hub.display.records import SHORT, lengths_of
from vaehub.hub.display.tables import NOTHING, ROWS_SHOWN, bar, facts, fold, paragraph, table, title
from vaehub.hub.plots import metric_plot
from vaehub.hub.setting_labels import flat
from vaehub.hub.spread import deviation, mean
from vaehub.hub.subjects import shown
from vaehub.hub.views import groups_by_index, reading_order

if TYPE_CHECKING:
    from vaehub.core.result import Result, Table, Vector
    from vaehub.hub.compare import Comparison
    from vaehub.hub.views import Measurement, Measurements, Rows

SHORT_TABLE = 12
"""Rows of a table up to which it is unfolded."""


def measurement(found: Measurement) -> Markup:
    """Return the values of a measurement, and the plot of its metric; single numbers are seen without one."""
    head = title(found.record.metric, f"of {subject(found)}", found.id[:SHORT])
    if found.record.status == "failed":
        return head + paragraph(f"failed: {found.record.error}")
    picture = drawn(partial(metric_plot, found), f"{found.record.metric} of {subject(found)}")
    return Markup("<div>{}{}{}</div>").format(head, values(found.result), picture)


def measurements(found: Measurements) -> Markup:
    """Return one measurement as such; of several, their single values side by side, and each to be unfolded."""
    if len(found) == 1:
        return measurement(found[0])
    several = [
        fold(f"{each.record.metric} of {subject(each)}, {each.id[:SHORT]}", values(each.result)) for each in found
    ]
    return Markup("<div>{}{}</div>").format(_over_seeds(found), NOTHING.join(several))


def comparison(found: Comparison) -> Markup:
    """Return the mean over all pairs of trainings, and its plot."""
    first, n = found.measurements[0], len(found.measurements)
    of = subject(first) if n == 1 else f"{n} pairs of trainings, mean"
    head = title(found.metric, f"of {of}", first.id[:SHORT] if n == 1 else "")
    return Markup("<div>{}{}{}</div>").format(head, values(found.result), drawn(found.plot, f"{found.metric} of {of}"))


def rows(found: Rows) -> Markup:
    """Return the first rows of the answer to a query."""
    return table(found.columns, next(found.parts(ROWS_SHOWN), ()), n=len(found))


def subject(found: Measurement) -> str:
    """Return what was measured, with its data and seed where these are known."""
    training = found.training
    if training is None or found.record.other is not None:
        return shown(found.record)
    return f"{training.name_of('model')} on {training.name_of('dataset')}, seed {training.seed}"


def values(result: Result) -> Markup:
    """Return all that was measured: single numbers, a table for each index, and the sizes of the rest."""
    signatures = {name: each.vectors.shape for name, each in result.signatures.items()}
    shapes = {name: f"array of shape {array.shape}" for name, array in result.arrays.items()}
    shapes |= {name: f"signatures of {n} layers, {size} numbers each" for name, (n, size) in signatures.items()}
    return NOTHING.join(
        [
            facts(result.scalars.items()),
            *(_vectors(group) for group in groups_by_index(result.vectors)),
            *(fold(name, _table(each), is_open=_n_rows(each) <= SHORT_TABLE) for name, each in result.tables.items()),
            facts(shapes.items()),
        ]
    )


def _vectors(group: Mapping[str, Vector]) -> Markup:
    """Return vectors that share an index, with bars for the first."""
    name, first = next(iter(group.items()))
    order, greatest = reading_order(group), max((value for value in first.values if 0 < value < math.inf), default=1.0)
    lines = [
        [
            Markup("<b>{}</b>").format(first.labels[at] if first.labels else at),
            *(f"{vector.values[at]:.4g}" for vector in group.values()),
            bar(first.values[at], greatest),
        ]
        for at in order[:ROWS_SHOWN]
    ]
    return table([first.index, *group, name], lines, n=len(order))


def _n_rows(found: Table) -> int:
    return len(next(iter(found.keys.values())))


def _table(found: Table) -> Markup:
    columns = [*found.keys.values(), *found.columns.values()]
    lines = [
        [key if isinstance(key, str) else f"{key:.4g}" for key in row]
        for row in islice(zip(*columns, strict=True), ROWS_SHOWN)
    ]
    return table([*found.keys, *found.columns], lines, n=_n_rows(found))


def _over_seeds(found: Measurements) -> Markup:
    """Return the single values of measurements, a row for each setting, a column for each seed, and their mean."""
    seeds = sorted({_seed(each) for each in found})
    labels: dict[str, str] = {}
    groups: dict[tuple[str, str, str], dict[int, list[float]]] = {}
    for each in found:
        labels[_setting(each)] = _label(each)
        for name, value in each.result.scalars.items():
            numbers = groups.setdefault((each.record.metric, name, _setting(each)), {})
            numbers.setdefault(_seed(each), []).append(value)
    titles = [
        "metric",
        "value",
        *(["of"] if len(set(labels.values())) > 1 else []),
        *(f"seed {seed}" for seed in seeds),
    ]
    lines = [
        [
            metric,
            name,
            *([labels[setting]] if len(set(labels.values())) > 1 else []),
            *(mean(by_seed[seed]) if seed in by_seed else None for seed in seeds),
            *_mean(list(map(mean, by_seed.values())), len(seeds)),
        ]
        for (metric, name, setting), by_seed in groups.items()
    ]
    return table([*titles, *(["mean ± sd"] if len(seeds) > 1 else [])], lines) if lines else NOTHING


def _mean(numbers: Sequence[float], n_seeds: int) -> Iterator[str]:
    if n_seeds > 1:
        sd = deviation(numbers)
        yield f"{mean(numbers):.4g}" + ("" if sd is None else f" ± {sd:.2g}")


def _seed(found: Measurement) -> int:
    return found.record.seed if found.training is None else found.training.seed


def _setting(found: Measurement) -> str:
    """Return all that tells a measurement from those of other seeds, as text."""
    training = found.training
    measured = found.record.subject if training is None else {**flat(training.recipe), "seed": None}
    metric = found.record.request["metric"]
    return canonical_json({"metric": metric, "measured": measured, "other": found.record.other})


def _label(found: Measurement) -> str:
    training = found.training
    if training is None:
        return shown(found.record)
    lengths = "".join(f", {n} {unit}" for unit, n in lengths_of(training))
    return f"{training.name_of('model')} on {training.name_of('dataset')}, {training.latent_dim} latents{lengths}"
