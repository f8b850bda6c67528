"""Posterior means in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Result, Vector
from vaehub.plugins.qualitative.kernels import pca_projection
from vaehub.plugins.qualitative.params import LatentScatterParams
from vaehub.plugins.qualitative.subjects import require_observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentScatter(ModelMetric):
    """Where observations lie in the latent space.

    Means of two latents are shown as they are, means of one latent as histograms, and those of more are projected on
    their first two principal components. What each component explains is measured for any number of latents.
    """

    Params = LatentScatterParams
    params: LatentScatterParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse too few observations, and a factor that the data do not have."""
        n, part = 0 if self.params.n_samples == "all" else self.params.n_samples, self.params.part
        require_observations(data, part, n, metric="latent_scatter", parameter="n_samples", least=2)
        known = () if data.factors is None else data.factors.names
        if self.params.factor is not None and self.params.factor not in known:
            there = f"they have {', '.join(known)}" if known else "they have none; leave it out to take the labels"
            raise DataError(
                f"metric 'latent_scatter' was asked for factor {self.params.factor!r}, which these data have not; "
                f"{there}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return coordinates, classes, and the share of the variance along each principal component."""
        part = data.split(self.params.part)
        rows = torch.arange(len(part))
        if self.params.n_samples != "all":
            rows = part.draw_rows(self.params.n_samples, self.generator("rows"))
            part = part.subset(rows)
        mu = model.encode_all(part).mu.cpu()
        found = pca_projection(mu)
        coordinates = mu if mu.shape[1] <= 2 else found.coordinates.to(torch.float32)
        arrays = {"rows": rows, "coordinates": coordinates}
        if mu.shape[1] > 2:
            arrays["components"] = found.components
        classes = self._classes(part)
        if classes is not None:
            arrays["labels"] = classes.cpu()
        return Result(vectors={"explained_variance_ratio": Vector(found.explained, "component")}, arrays=arrays)

    def _classes(self, data: Dataset) -> Tensor | None:
        if self.params.factor is None:
            return data.labels
        assert data.factors is not None, "check() refused it"
        return data.factors.classes[:, data.factors.index(self.params.factor)]

    def plot(self, result: Result) -> Figure:
        """Return the scatter, coloured by class; of one latent, a histogram for each class."""
        from vaehub.plugins.qualitative.scatters import histograms, scatter

        coordinates, labels = result.arrays["coordinates"], result.arrays.get("labels")
        explained = result.vectors["explained_variance_ratio"].values
        legend = self.params.factor or "label"
        if coordinates.shape[1] == 1:
            return histograms(coordinates[:, 0], labels, legend=legend)
        names = ["mean of latent 0", "mean of latent 1"]
        if len(explained) > 2:
            names = [f"component {at} ({explained[at]:.0%} of the variance)" for at in range(2)]
        return scatter(coordinates, labels, legend=legend, names=names)
