"""Comparison of two models over their seeds: the mean of a metric of pairs over all pairs of trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from vaehub.core.display import Displayed
from vaehub.core.errors import VaehubError
from vaehub.core.recipe import Recipe
from vaehub.core.result import Result, Table, Vector
from vaehub.hub.frames import Tabular
from vaehub.hub.spread import mean
from vaehub.hub.subject import is_own
from vaehub.hub.views import Measurements

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Comparison(Displayed, Tabular):
    """A metric of pairs on all pairs of trainings of two models.

    Attributes:
        metric: Name of the metric.
        measurements: One for each pair, each stored.
        result: Their mean; of several pairs, the standard deviation of each column is another column, ``cka_sd``.
    """

    metric: str
    measurements: Measurements
    result: Result

    def __repr__(self) -> str:
        shown = "".join(f", {name} {value:.4g}" for name, value in self.result.scalars.items())
        return f"Comparison({self.metric}, {len(self.measurements)} pairs{shown})"

    def plot(self) -> Figure:
        """Return the plot of the mean, as the metric draws it or of its values, which a notebook shows.

        Raises:
            VaehubError: If no value is finite, or matplotlib is missing.
        """
        from vaehub.hub.plots import comparison_plot

        return comparison_plot(self)

    def to_arrow(self) -> pa.Table:
        """Return one row for each value of each pair as an Arrow table."""
        return self.measurements.to_arrow()


def pairs_of(a: Recipe, b: Recipe, seeds: Sequence[int]) -> list[tuple[Recipe, Recipe]]:
    """Return the pairs of trainings to compare: these two, or each seed of one with each of the other.

    A training is not compared with itself where there are others, since it is like itself whatever it has learned. A
    model of one's own is as it is, and is compared with each seed of the other.

    Raises:
        VaehubError: If both are the same training and there is no other seed, or neither has seeds.
    """
    if not seeds:
        return [(a, b)]
    if is_own(a) and is_own(b):
        raise VaehubError("models of your own are as they are and have no seeds; compare them without seeds=…")
    firsts, seconds = (
        [each] if is_own(each) else [each.vary(seed=seed) for seed in dict.fromkeys(seeds)] for each in (a, b)
    )
    pairs = [(one, other) for one, other in product(firsts, seconds) if one.id != other.id]
    if not pairs:
        raise VaehubError("a training is compared with others, and with one seed there is only itself; give several")
    return pairs


def mean_result(results: Sequence[Result]) -> Result:
    """Return the mean of several results: Bonheme 2023, Eq. 7.9, for scores of layers.

    Args:
        results: Of one metric.

    Raises:
        VaehubError: If they do not have the same rows.
    """
    first = results[0]
    if len(results) == 1:
        return first
    shapes = {(*each.scalars, *each.vectors, *(str(table.keys) for table in each.tables.values())) for each in results}
    if len(shapes) > 1:
        raise VaehubError(
            "the mean over seeds is of the same layers in each training, and these differ; name layers that all have"
        )
    return Result(
        scalars={name: mean([each.scalars[name] for each in results]) for name in first.scalars},
        vectors={
            name: Vector(np.mean([each.vectors[name].values for each in results], axis=0), vector.index, vector.labels)
            for name, vector in first.vectors.items()
        },
        tables={name: _mean_table([each.tables[name] for each in results]) for name in first.tables},
    )


def _mean_table(tables: Sequence[Table]) -> Table:
    columns: dict[str, NDArray[np.float64]] = {}
    for name in tables[0].columns:
        values = np.stack([table.columns[name] for table in tables])
        columns[name] = values.mean(axis=0)
        # What never varies, such as the width of a layer, needs no other column to say so.
        if (values != values[0]).any() and not np.isnan(values).all():
            columns[f"{name}_sd"] = values.std(axis=0, ddof=1)
    return Table(tables[0].keys, columns)
