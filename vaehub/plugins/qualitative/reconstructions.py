"""Observations beside their reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Observations, Result, Vector
from vaehub.analysis import decode
from vaehub.plugins.qualitative.classes import classes_of
from vaehub.plugins.qualitative.kernels import spread_rows
from vaehub.plugins.qualitative.params import ReconstructionsParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 10
SHOWN = 100
"""Observations in a plot at most; all of them are stored."""


@final
class Reconstructions(ModelMetric[ReconstructionsParams]):
    """Observations, their reconstructions from posterior means and, if asked for, from one sample of each posterior.

    Counts are rescaled to the library size that a model's means are given at.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            decoder=True,
            variances=self.params.sample,
            instead={"variances": "'vae' has, and '-s metric.sample=false' works for all"},
        )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return observations, reconstructions, and squared errors averaged over values."""
        split = self.draw_observations(data, "all").data
        n = min(self.params.n, len(split))
        rows = torch.arange(n)
        if self.params.choice == "spread":
            rows = spread_rows(classes_of(split), n, self.generator("rows"))
        sample = self.encode(model, Observations(rows, split.subset(rows)))
        x = model.comparable(sample.data.x).cpu()
        arrays = {"rows": rows, "x": x, "reconstruction": decode(model, sample.mu)}
        error = (arrays["reconstruction"] - x).double().square().flatten(1).mean(dim=1)
        scalars = {"mean_squared_error": float(error.mean()), "n_samples": n}
        vectors = {"squared_error": Vector(error, "observation")}
        if split.labels is not None:
            arrays["labels"] = classes_of(sample.data)
        if self.params.sample:
            arrays["sampled_reconstruction"] = decode(model, sample.z)
            sampled = (arrays["sampled_reconstruction"] - x).double().square().flatten(1).mean(dim=1)
            scalars["sampled_mean_squared_error"] = float(sampled.mean())
            vectors["sampled_squared_error"] = Vector(sampled, "observation")
        return Result(scalars=scalars, vectors=vectors, arrays=arrays)

    def plot(self, result: Result) -> Figure:
        """Return rows of observations over rows of their reconstructions, ten to a row; the first hundred."""
        from vaehub.plugins.qualitative.plots import Lines, tiled

        kinds = {"x": "observation", "reconstruction": "from the mean", "sampled_reconstruction": "from a sample"}
        there = {label: result.arrays[name][:SHOWN] for name, label in kinds.items() if name in result.arrays}
        starts = range(0, len(there["observation"]), COLUMNS)
        rows = [images[start : start + COLUMNS] for start in starts for images in there.values()]
        lines = Lines(list(there) * len(starts), group=len(there))
        error = result.scalars["mean_squared_error"]
        return tiled(rows, lines=lines, title=f"reconstructions, mean squared error {error:.3g}")
