"""The lines between posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch

from vaehub import Dataset, LatentModel, ModelMetric, Result, Vector
from vaehub.plugins.qualitative.kernels import interpolated, partner_rows, spread_rows
from vaehub.plugins.qualitative.params import InterpolationParams
from vaehub.plugins.qualitative.subjects import classes_of, decoded, require_decoder, require_observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Interpolation(ModelMetric):
    """What lies between two observations: decoded points on the straight line from one posterior mean to the other."""

    Params = InterpolationParams
    params: InterpolationParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model without a decoder, and too few observations."""
        require_decoder(model, metric="interpolation")
        n, part = self.params.n_pairs, self.params.part
        require_observations(data, part, n, metric="interpolation", parameter="n_pairs", least=2)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the pairs, the points between them, what these decode to, and distances of means."""
        part, n = data.split(self.params.part), self.params.n_pairs
        labels = classes_of(part)
        starts = spread_rows(labels, n, self.generator("rows"))
        rows = torch.stack([starts, partner_rows(labels, starts, self.generator("partners"))], dim=1)
        chosen = part.subset(rows.flatten())
        start, end = model.encode_all(chosen).mu.reshape(n, 2, -1).unbind(dim=1)
        share = torch.linspace(0, 1, self.params.n_steps, device=start.device)
        z = interpolated(start, end, share)
        arrays = {
            "rows": rows,
            "x": chosen.x.cpu().reshape(n, 2, *chosen.spec.shape),
            "share": share,
            "z": z,
            "decoded": decoded(model, z),
        }
        if part.labels is not None:
            arrays["labels"] = labels[rows]
        distance = (end - start).double().norm(dim=1)
        return Result(vectors={"distance": Vector(distance, "pair")}, arrays=arrays)

    def plot(self, result: Result) -> Figure:
        """Return a row for each pair: one observation, the line between their means, the other observation."""
        from vaehub.plugins.qualitative.pictures import Columns, tiled

        x, path = result.arrays["x"], result.arrays["decoded"]
        rows = list(np.concatenate([x[:, :1], path, x[:, 1:]], axis=1))
        shares = [f"{share:.3g}" for share in result.arrays["share"]]
        last = len(shares) + 1
        columns = Columns(["first", *shares, "second"], wide_before={1, last})
        return tiled(rows, columns=columns, title="from one posterior mean to another")
