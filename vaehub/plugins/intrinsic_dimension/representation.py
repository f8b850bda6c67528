"""The dimension of a model's representations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.analysis import chosen_layers
from vaehub.analysis import representations as representations_of
from vaehub.plugins.intrinsic_dimension.duplicates import distinct_rows
from vaehub.plugins.intrinsic_dimension.kernels import anchors, mle_in_runs, nearest, two_nn_of
from vaehub.plugins.intrinsic_dimension.params import RepresentationParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESOLUTION = 4
"""Distances up to this many rounding errors of the values count as numerical noise."""


class Estimates(NamedTuple):
    """Estimates for one representation; nan where it is collapsed."""

    mle: float
    twonn: float
    n_distinct: int
    is_collapsed: bool


@final
class RepresentationDimension(ModelMetric[RepresentationParams]):
    """Dimension of layers and of mean and sampled representation: Bonheme 2023, Section 8.2.

    A representation is collapsed, and has no dimension, if it is the same for all but a few observations, or differs by
    no more than rounding does.
    """

    computes_much = True

    @property
    def needs(self) -> Needs:
        """One observation more than neighbours of each."""
        return Needs(observations=self.params.k + 1)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse unknown layers."""
        chosen_layers(model, self.draw_observations(data, 2).data, self.params.of)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return both estimates for each layer, in the requested order."""
        names = self.params.of
        seen = self.draw_observations(data)
        found = {name: self._estimated(self._representation(name, model, seen.data)) for name in dict.fromkeys(names)}
        return Result(
            scalars={"n_samples": seen.n, "n_collapsed": sum(each.is_collapsed for each in found.values())},
            vectors={
                column: Vector([getattr(found[name], column) for name in names], "layer", names)
                for column in Estimates._fields
            },
        )

    def _representation(self, name: str, model: LatentModel, data: Dataset) -> Tensor:
        """Return one layer at a time: those of convolutions are too large to keep together."""
        # The same noise each time, so that a decoder's layers are those of the samples measured.
        noise = self.generator("noise", device=model.device)
        return representations_of(model, data, layers=[name], generator=noise)[name].flatten(1).to(model.device)

    def _estimated(self, x: Tensor) -> Estimates:
        params = self.params
        n_distinct = len(distinct_rows(x))
        if n_distinct <= params.k or len(x) - n_distinct > params.max_duplicates * len(x):
            return Estimates(float("nan"), float("nan"), n_distinct, is_collapsed=True)
        table = nearest(x, params.k)
        if np.median(table.distances[:, -1]) <= RESOLUTION * _rounding(x):
            return Estimates(float("nan"), float("nan"), n_distinct, is_collapsed=True)
        # The same draws for each layer, so that layers differ by their dimension alone.
        chosen = anchors(len(table.rows), params.anchor, params.runs, self.generator("anchors"))
        estimate = float(mle_in_runs(table, params.k, chosen, params.aggregation, params.normaliser).mean())
        return Estimates(estimate, two_nn_of(table, params.discard, params.cdf), n_distinct, is_collapsed=False)

    def plot(self, result: Result) -> Figure:
        """Return both estimates by layer."""
        from vaehub.plugins.intrinsic_dimension.plots import by_layer

        return by_layer(result)


def _rounding(x: Tensor) -> float:
    """Return the greatest distance by which rounding can move a row."""
    return float(torch.finfo(x.dtype).eps * x.abs().max() * x.shape[1] ** 0.5)
