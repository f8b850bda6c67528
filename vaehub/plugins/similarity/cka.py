"""How alike the layers of two models are, by centred kernel alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, PairMetric, Result
from vaehub.plugins.similarity.kernels import cka_matrix
from vaehub.plugins.similarity.pairs import Compared, check_pair
from vaehub.plugins.similarity.params import CkaParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Cka(PairMetric):
    """Linear centred kernel alignment of each layer of one model with each of another: Kornblith et al. 2019."""

    Params = CkaParams
    params: CkaParams

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models of different data, and layers that they have not."""
        check_pair(a, b, data, self.params)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return the alignment of each two layers."""
        compared = Compared.drawn(a, b, data, self.params, self.generator)
        matrix = cka_matrix([*compared.a.values(), *compared.b.values()], debiased=self.params.debiased)
        n_first = len(compared.a)
        return Result(scalars={"n_samples": compared.n}, tables=compared.tables({"cka": matrix[:n_first, n_first:]}))

    def plot(self, result: Result) -> Figure:
        """Return a heat map."""
        from vaehub.plugins.similarity.pictures import heat_map

        return heat_map(result, "cka", "debiased CKA" if self.params.debiased else "CKA")
