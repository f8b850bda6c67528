"""Similarity of the posterior variances of two models, by type of latent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub import Dataset, LatentModel, Needs, PairMetric, Result, Table
from vaehub.plugins.polarised.kernels import LATENT_TYPES, types_beside_prior
from vaehub.plugins.similarity.kernels import linear_cka, procrustes_similarity
from vaehub.plugins.similarity.layer_pairs import LayerPairs
from vaehub.plugins.similarity.params import VarianceSimilarityParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYER = "variance"
SUBSETS = ("all", *LATENT_TYPES)


@final
class VarianceSimilarity(PairMetric[VarianceSimilarityParams]):
    """Similarity of posterior variances, of all latents and of each type: Bonheme 2023, Theorem 7.4.2.

    The variance of an active or passive latent is nearly constant over observations, so that mixed latents dominate the
    similarity of all. Types are those of ``variable_types``: beside a learned or conditional prior, of variances in
    units of the prior's.
    """

    needs = Needs(variances=True, observations=2)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the similarity of each pair of types of latents, and the number of latents of each type."""
        layers = LayerPairs.of(self, a, b, data, (LAYER,))
        variances = {"a": layers.a[LAYER], "b": layers.b[LAYER]}
        types = {side: _types(model, layers.data, self.params.alpha) for side, model in (("a", a), ("b", b))}
        subsets = {side: _by_type(variance, types[side]) for side, variance in variances.items()}
        pairs = [(one, other) for one in SUBSETS for other in SUBSETS]
        cka, procrustes = (
            [_similarity(kernel, subsets["a"][one], subsets["b"][other]) for one, other in pairs]
            for kernel in (linear_cka, procrustes_similarity)
        )
        counts = {f"n_{name}_{side}": int((types[side] == name).sum()) for side in types for name in LATENT_TYPES}
        return Result(
            scalars={"cka": cka[0], "procrustes": procrustes[0], "n_samples": layers.n, **counts},
            tables={
                "similarity": Table(
                    {"type_a": [one for one, _ in pairs], "type_b": [other for _, other in pairs]},
                    {"cka": cka, "procrustes": procrustes},
                )
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return a heat map of CKA by type of latent."""
        from vaehub.plugins.similarity.plots import panel_maps

        return panel_maps(result, "cka", "type_a", "type_b", None)


def _types(model: LatentModel, data: Dataset, alpha: float) -> NDArray[np.str_]:
    posterior = model.encode_all(data).checked()
    assert posterior.logvar is not None, "needed"
    prior_mu, prior_logvar = (each.cpu() for each in model.prior_all(data))
    return types_beside_prior(posterior.mu, posterior.logvar, prior_mu, prior_logvar, alpha)


def _by_type(variance: Tensor, types: NDArray[np.str_]) -> dict[str, Tensor]:
    return {"all": variance} | {name: variance[:, torch.from_numpy(types == name)] for name in LATENT_TYPES}


def _similarity(kernel: Callable[[Tensor, Tensor], float], x: Tensor, y: Tensor) -> float:
    """Return a similarity, ``nan`` if either model has no latent of the type."""
    return float(kernel(x, y)) if x.numel() and y.numel() else float("nan")
