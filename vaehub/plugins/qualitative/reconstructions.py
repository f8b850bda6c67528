"""Observations beside their reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, ModelMetric, Result, VaehubError, Vector
from vaehub.plugins.qualitative.kernels import spread_rows
from vaehub.plugins.qualitative.params import ReconstructionsParams
from vaehub.plugins.qualitative.subjects import classes_of, decoded, require_decoder, require_observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 10
SHOWN = 100
"""Observations in a picture at most; all of them are stored."""


@final
class Reconstructions(ModelMetric):
    """Some observations, what their posterior means decode to and, if asked for, what one sample of each decodes to."""

    Params = ReconstructionsParams
    params: ReconstructionsParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model without a decoder, too few observations, and samples of what has no variance."""
        require_decoder(model, metric="reconstructions")
        require_observations(data, self.params.part, self.params.n, metric="reconstructions", parameter="n")
        if self.params.sample and model.encode_all(data.split(self.params.part).first(1)).logvar is None:
            raise VaehubError(
                "metric 'reconstructions' with sample true needs a model that samples its latents, and this one does "
                "not; 'vae' does, and '-s metric.sample=false' works for all"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return observations, reconstructions, and squared errors averaged over values."""
        part = data.split(self.params.part)
        rows = torch.arange(self.params.n)
        if self.params.choice == "spread":
            rows = spread_rows(classes_of(part), self.params.n, self.generator("rows"))
        chosen = part.subset(rows)
        posterior = model.encode_all(chosen)
        x = chosen.x.cpu()
        arrays = {"rows": rows, "x": x, "reconstruction": decoded(model, posterior.mu)}
        error = (arrays["reconstruction"] - x).double().square().flatten(1).mean(dim=1)
        scalars = {"mean_squared_error": float(error.mean())}
        vectors = {"squared_error": Vector(error, "observation")}
        if part.labels is not None:
            arrays["labels"] = classes_of(chosen)
        if self.params.sample:
            z = posterior.sample(self.generator("noise", device=posterior.mu.device))
            arrays["sampled_reconstruction"] = decoded(model, z)
            sampled = (arrays["sampled_reconstruction"] - x).double().square().flatten(1).mean(dim=1)
            scalars["sampled_mean_squared_error"] = float(sampled.mean())
            vectors["sampled_squared_error"] = Vector(sampled, "observation")
        return Result(scalars=scalars, vectors=vectors, arrays=arrays)

    def plot(self, result: Result) -> Figure:
        """Return rows of observations over rows of their reconstructions, ten to a row; the first hundred."""
        from vaehub.plugins.qualitative.pictures import Lines, tiled

        kinds = {"x": "observation", "reconstruction": "from the mean", "sampled_reconstruction": "from a sample"}
        there = {label: result.arrays[name][:SHOWN] for name, label in kinds.items() if name in result.arrays}
        starts = range(0, len(there["observation"]), COLUMNS)
        rows = [images[start : start + COLUMNS] for start in starts for images in there.values()]
        lines = Lines(list(there) * len(starts), group=len(there))
        error = result.scalars["mean_squared_error"]
        return tiled(rows, lines=lines, title=f"reconstructions, mean squared error {error:.3g}")
