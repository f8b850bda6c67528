"""Similarity of the layers of two models after the best rotation of one onto the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from vaehub import Dataset, LatentModel, Needs, PairMetric, Result
from vaehub.plugins.similarity.kernels import procrustes_low_rank_matrix, procrustes_matrix
from vaehub.plugins.similarity.layer_pairs import LayerPairs, check_layers
from vaehub.plugins.similarity.params import ProcrustesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Procrustes(PairMetric[ProcrustesParams]):
    """Procrustes similarity of each pair of layers of two models: Bonheme 2023, Section 7.2."""

    needs = Needs(observations=2)

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse layers that either model lacks."""
        check_layers(a, b, data, self.params.layers)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the similarity of each pair of layers; with ``rank``, also a bound on its error."""
        layers = LayerPairs.of(self, a, b, data, self.params.layers)
        tables = layers.tables(self._values([*layers.a.values()], [*layers.b.values()]))
        return Result(scalars={"n_samples": layers.n}, tables=tables)

    def _values(self, first: list[Tensor], second: list[Tensor]) -> dict[str, Tensor]:
        if self.params.rank is None:
            return {"procrustes": procrustes_matrix(first, second)}
        values, errors = procrustes_low_rank_matrix(first, second, self.params.rank, self.generator("start"))
        return {"procrustes": values, "procrustes_error": errors}

    def plot(self, result: Result) -> Figure:
        """Return a heat map of all pairs of layers."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "procrustes", "Procrustes similarity")
