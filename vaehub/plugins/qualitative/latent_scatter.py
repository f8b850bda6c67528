"""Posterior means in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.plugins.qualitative.kernels import pca_projection
from vaehub.plugins.qualitative.params import LatentScatterParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentScatter(ModelMetric[LatentScatterParams]):
    """Posterior means of observations in the plane.

    Means of two latents are shown as they are, means of one latent as histograms; means of more latents are projected
    onto their first two principal components. The variance that each component explains is always in the result.
    """

    needs = Needs(observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a factor that the data do not have."""
        known = () if data.factors is None else data.factors.names
        if self.params.factor is not None and self.params.factor not in known:
            there = f"they have {', '.join(known)}" if known else "they have none; leave it out to take the labels"
            raise DataError(
                f"metric {self.name!r} was asked for factor {self.params.factor!r}, which these data do not have; "
                f"{there}"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return coordinates, classes, and the share of the variance along each principal component."""
        sample = self.draw(model, data)
        mu, found = sample.mu, pca_projection(sample.mu)
        coordinates = mu if mu.shape[1] <= 2 else found.coordinates
        arrays = {"rows": sample.rows, "coordinates": coordinates.to(torch.float32)}
        if mu.shape[1] > 2:
            arrays["components"] = found.components
        classes = self._classes(sample.data)
        if classes is not None:
            arrays["labels"] = classes.cpu()
        vectors = {"explained_variance_ratio": Vector(found.explained, "component")}
        names = self._class_names(sample.data)
        if classes is not None and names:
            vectors["class_size"] = Vector(torch.bincount(classes.cpu(), minlength=len(names)), "class", names)
        return Result(scalars={"n_samples": sample.n}, vectors=vectors, arrays=arrays)

    def _classes(self, data: Dataset) -> Tensor | None:
        if self.params.factor is None:
            return data.labels
        assert data.factors is not None, "check() refused it"
        return data.factors.classes[:, data.factors.index(self.params.factor)]

    def _class_names(self, data: Dataset) -> tuple[str, ...]:
        """Return the names of the classes, none where they are unknown."""
        if self.params.factor is None:
            return data.class_names or ()
        assert data.factors is not None, "check() refused it"
        return data.factors.class_names[data.factors.index(self.params.factor)] if data.factors.class_names else ()

    def plot(self, result: Result) -> Figure:
        """Return the scatter, coloured by class; of one latent, a histogram for each class."""
        from vaehub.plugins.qualitative.scatter_plots import histograms, scatter

        coordinates, labels = result.arrays["coordinates"], result.arrays.get("labels")
        explained = result.vectors["explained_variance_ratio"].values
        legend = self.params.factor or "label"
        sizes = result.vectors.get("class_size")
        classes = (sizes.labels or ()) if sizes is not None else ()
        if coordinates.shape[1] == 1:
            return histograms(coordinates[:, 0], labels, legend=legend, class_names=classes)
        names = ["mean of latent 0", "mean of latent 1"]
        if len(explained) > 2:
            names = [f"component {at} ({explained[at]:.0%} of the variance)" for at in range(2)]
        return scatter(coordinates, labels, legend=legend, names=names, class_names=classes)
