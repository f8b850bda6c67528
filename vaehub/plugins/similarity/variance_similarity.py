"""Similarity of the posterior variances of two models, by type of latent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import Dataset, LatentModel, Needs, Result, Table
from vaehub.plugins.polarised.kernels import LATENT_TYPES, variable_types
from vaehub.plugins.similarity.kernels import linear_cka, procrustes_similarity
from vaehub.plugins.similarity.layer_pairs import LayerMetric
from vaehub.plugins.similarity.params import VarianceSimilarityParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYER = "variance"
SUBSETS = ("all", *LATENT_TYPES)


@final
class VarianceSimilarity(LayerMetric[VarianceSimilarityParams]):
    """Similarity of posterior variances, of all latents and of each type: Bonheme 2023, Theorem 7.4.2.

    The variance of a latent that is active or passive for all observations hardly varies, so that the similarity of
    all latents mostly reflects the mixed ones.
    """

    needs = Needs(variances=True, observations=4)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return similarity by type of latent in both models, and how many there are of each type."""
        pairs = self.layer_pairs(a, b, data)
        variances = {"a": pairs.a[LAYER], "b": pairs.b[LAYER]}
        types = {side: variable_types(variance, self.params.alpha) for side, variance in variances.items()}
        subsets = {side: _by_type(variance, types[side]) for side, variance in variances.items()}
        combinations = [(one, other) for one in SUBSETS for other in SUBSETS]
        cka, procrustes = (
            [_similarity(kernel, subsets["a"][one], subsets["b"][other]) for one, other in combinations]
            for kernel in (linear_cka, procrustes_similarity)
        )
        counts = {f"n_{name}_{side}": int((types[side] == name).sum()) for side in types for name in LATENT_TYPES}
        return Result(
            scalars={"cka": cka[0], "procrustes": procrustes[0], "n_samples": pairs.n, **counts},
            tables={
                "similarity": Table(
                    {"type_a": [one for one, _ in combinations], "type_b": [other for _, other in combinations]},
                    {"cka": cka, "procrustes": procrustes},
                )
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return a heat map of CKA by type."""
        from vaehub.plugins.similarity.plots import similarity_maps

        return similarity_maps(result, "cka", "type_a", "type_b", None)


def _by_type(variance: Tensor, types: NDArray[np.str_]) -> dict[str, Tensor]:
    return {"all": variance} | {name: variance[:, torch.from_numpy(types == name)] for name in LATENT_TYPES}


def _similarity(kernel: Callable[[Tensor, Tensor], float], x: Tensor, y: Tensor) -> float:
    """Return a similarity, ``nan`` if there is no latent of either type."""
    return float(kernel(x, y)) if x.numel() and y.numel() else float("nan")
