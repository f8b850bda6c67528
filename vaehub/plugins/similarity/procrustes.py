"""How well the layers of one model can be rotated onto those of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from vaehub import Dataset, LatentModel, PairMetric, Result
from vaehub.plugins.similarity.kernels import procrustes_low_rank_matrix, procrustes_matrix
from vaehub.plugins.similarity.pairs import Compared, check_pair
from vaehub.plugins.similarity.params import ProcrustesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Procrustes(PairMetric):
    """Procrustes similarity of each layer of one model with each of another: Bonheme 2023, Section 7.2."""

    Params = ProcrustesParams
    params: ProcrustesParams

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models of different data, and layers that they have not."""
        check_pair(a, b, data, self.params)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the similarity of each two layers, with a bound on its error if not all singular values are asked."""
        compared = Compared.drawn(a, b, data, self.params, self.generator)
        tables = compared.tables(self._values([*compared.a.values()], [*compared.b.values()]))
        return Result(scalars={"n_samples": compared.n}, tables=tables)

    def _values(self, first: list[Tensor], second: list[Tensor]) -> dict[str, Tensor]:
        if self.params.rank is None:
            return {"procrustes": procrustes_matrix(first, second)}
        values, errors = procrustes_low_rank_matrix(first, second, self.params.rank, self.generator("start"))
        return {"procrustes": values, "procrustes_error": errors}

    def plot(self, result: Result) -> Figure:
        """Return a heat map."""
        from vaehub.plugins.similarity.pictures import heat_map

        return heat_map(result, "procrustes", "Procrustes similarity")
