"""Similarity of the layers of two models by two measures, and the smaller of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.similarity.kernels import cka_matrix, procrustes_matrix
from vaehub.plugins.similarity.layer_pairs import LayerMetric
from vaehub.plugins.similarity.params import PairParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LayerSimilarity(LayerMetric[PairParams]):
    """Alignment and Procrustes similarity of each pair of layers, and the smaller of both: Bonheme 2023, Section 7.2.2.

    Procrustes similarity is too high where observations are few, and alignment where one direction outweighs all
    others, so that the smaller one is the careful answer.
    """

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return both similarities of each pair of layers, and the smaller."""
        pairs = self.layer_pairs(a, b, data)
        first, second = [*pairs.a.values()], [*pairs.b.values()]
        cka = cka_matrix([*first, *second])[: len(first), len(first) :]
        procrustes = procrustes_matrix(first, second)
        values = {"smaller": torch.minimum(cka.double(), procrustes), "cka": cka, "procrustes": procrustes}
        return Result(scalars={"n_samples": pairs.n}, tables=pairs.tables(values))

    def plot(self, result: Result) -> Figure:
        """Return a heat map of the smaller."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "smaller", "smaller of CKA and Procrustes similarity")
