"""Similarity of the layers of two models by centred kernel alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Needs, PairMetric, Result
from vaehub.plugins.similarity.inner_products import FEWEST
from vaehub.plugins.similarity.kernels import cka_matrix
from vaehub.plugins.similarity.layer_pairs import LayerPairs, check_layers
from vaehub.plugins.similarity.params import CkaParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Cka(PairMetric[CkaParams]):
    """Linear centred kernel alignment (CKA) of each pair of layers of two models: Kornblith et al. 2019."""

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(observations=FEWEST if self.params.debiased else 2)

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse layers that either model lacks."""
        check_layers(a, b, data, self.params.layers)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the CKA of each pair of layers."""
        layers = LayerPairs.of(self, a, b, data, self.params.layers)
        matrix = cka_matrix([*layers.a.values(), *layers.b.values()], debiased=self.params.debiased)
        n_first = len(layers.a)
        return Result(scalars={"n_samples": layers.n}, tables=layers.tables({"cka": matrix[:n_first, n_first:]}))

    def plot(self, result: Result) -> Figure:
        """Return a heat map of all pairs of layers."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "cka", "debiased CKA" if self.params.debiased else "CKA")
