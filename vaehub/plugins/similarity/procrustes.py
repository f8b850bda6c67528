"""Similarity of the layers of two models after the best rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from vaehub import Dataset, LatentModel, Result
from vaehub.plugins.similarity.kernels import procrustes_low_rank_matrix, procrustes_matrix
from vaehub.plugins.similarity.layer_pairs import LayerMetric
from vaehub.plugins.similarity.params import ProcrustesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Procrustes(LayerMetric[ProcrustesParams]):
    """Procrustes similarity of each layer of one model with each of another: Bonheme 2023, Section 7.2."""

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the similarity of each pair of layers, with a bound on its error for a low rank."""
        pairs = self.layer_pairs(a, b, data)
        tables = pairs.tables(self._values([*pairs.a.values()], [*pairs.b.values()]))
        return Result(scalars={"n_samples": pairs.n}, tables=tables)

    def _values(self, first: list[Tensor], second: list[Tensor]) -> dict[str, Tensor]:
        if self.params.rank is None:
            return {"procrustes": procrustes_matrix(first, second)}
        values, errors = procrustes_low_rank_matrix(first, second, self.params.rank, self.generator("start"))
        return {"procrustes": values, "procrustes_error": errors}

    def plot(self, result: Result) -> Figure:
        """Return a heat map."""
        from vaehub.plugins.similarity.plots import layer_map

        return layer_map(result, "procrustes", "Procrustes similarity")
