"""Similarity of the layers of two models by CKA and by Procrustes, and the smaller of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, Needs, PairMetric, Result
from vaehub.plugins.similarity.kernels import cka_matrix, procrustes_matrix
from vaehub.plugins.similarity.layer_pairs import LayerPairs, check_layers
from vaehub.plugins.similarity.params import PairParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LayerSimilarity(PairMetric[PairParams]):
    """CKA and Procrustes similarity of each pair of layers, and the smaller of the two: Bonheme 2023, Section 7.2.2.

    Procrustes similarity is too high for few observations, and CKA where one direction dominates, so that the smaller
    is the conservative estimate.
    """

    needs = Needs(observations=2)

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse layers that either model lacks."""
        check_layers(a, b, data, self.params.layers)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return both similarities of each pair of layers, and the smaller."""
        layers = LayerPairs.of(self, a, b, data, self.params.layers)
        first, second = [*layers.a.values()], [*layers.b.values()]
        cka = cka_matrix([*first, *second])[: len(first), len(first) :]
        procrustes = procrustes_matrix(first, second)
        values = {"smaller": torch.minimum(cka.double(), procrustes), "cka": cka, "procrustes": procrustes}
        return Result(scalars={"n_samples": layers.n}, tables=layers.tables(values))

    def plot(self, result: Result) -> Figure:
        """Return a heat map of the smaller similarity."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "smaller", "smaller of CKA and Procrustes similarity")
