"""Interpolation between posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, Result, Vector
from vaehub.analysis import decode
from vaehub.plugins.qualitative.classes import classes_of
from vaehub.plugins.qualitative.kernels import interpolated, partner_rows, spread_rows
from vaehub.plugins.qualitative.params import InterpolationParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Interpolation(ModelMetric[InterpolationParams]):
    """Decoded points on the straight line from the posterior mean of one observation to that of another."""

    needs = Needs(decoder=True, observations=2)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the pairs, the points between them, decoded points, and distances of means."""
        split = self.draw_observations(data, "all").data
        n, labels = min(self.params.n_pairs, len(split)), classes_of(split)
        starts = spread_rows(labels, n, self.generator("rows"))
        rows = torch.stack([starts, partner_rows(labels, starts, self.generator("partners"))], dim=1)
        sample = self.encode(model, Observations(rows.flatten(), split.subset(rows.flatten())))
        start, end = sample.mu.to(torch.float32).reshape(n, 2, -1).unbind(dim=1)
        share = torch.linspace(0, 1, self.params.n_steps)
        z = interpolated(start, end, share)
        arrays = {
            "rows": rows,
            "x": model.comparable(sample.data.x).cpu().reshape(n, 2, *data.spec.shape),
            "share": share,
            "z": z,
            "decoded": decode(model, z),
        }
        if split.labels is not None:
            arrays["labels"] = labels[rows]
        distance = (end - start).double().norm(dim=1)
        return Result(scalars={"n_samples": sample.n}, vectors={"distance": Vector(distance, "pair")}, arrays=arrays)

    def plot(self, result: Result) -> Figure:
        """Return a row for each pair: one observation, the line between their means, the other observation."""
        from vaehub.plugins.qualitative.plots import Columns, tiled

        x, path = result.arrays["x"], result.arrays["decoded"]
        rows = list(np.concatenate([x[:, :1], path, x[:, 1:]], axis=1))
        shares = [f"{share:.3g}" for share in result.arrays["share"]]
        last = len(shares) + 1
        columns = Columns(["first", *shares, "second"], wide_before={1, last})
        return tiled(rows, columns=columns, title="from one posterior mean to another")
