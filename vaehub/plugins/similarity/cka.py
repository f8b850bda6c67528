"""Similarity of the layers of two models by centred kernel alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.similarity.kernels import cka_matrix
from vaehub.plugins.similarity.layer_pairs import LayerMetric
from vaehub.plugins.similarity.params import CkaParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Cka(LayerMetric[CkaParams]):
    """Linear centred kernel alignment of each layer of one model with each of another: Kornblith et al. 2019."""

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the alignment of each pair of layers."""
        pairs = self.layer_pairs(a, b, data)
        matrix = cka_matrix([*pairs.a.values(), *pairs.b.values()], debiased=self.params.debiased)
        n_first = len(pairs.a)
        return Result(scalars={"n_samples": pairs.n}, tables=pairs.tables({"cka": matrix[:n_first, n_first:]}))

    def plot(self, result: Result) -> Figure:
        """Return a heat map."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "cka", "debiased CKA" if self.params.debiased else "CKA")
