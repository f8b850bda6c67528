"""How alike the layers of two models are, by two measures, and by the careful one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, PairMetric, Result
from vaehub.plugins.similarity.kernels import cka_matrix, procrustes_matrix
from vaehub.plugins.similarity.pairs import Compared, check_pair
from vaehub.plugins.similarity.params import PairParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LayerSimilarity(PairMetric):
    """Alignment and Procrustes similarity of each two layers, and the smaller of both: Bonheme 2023, Section 7.2.2.

    Procrustes similarity is too high where observations are few, and alignment where one direction outweighs all
    others, so that the smaller one is the careful answer.
    """

    Params = PairParams
    params: PairParams

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse models of different data, and layers that they have not."""
        check_pair(a, b, data, self.params)

    def measure(self, a: LatentModel, b: LatentModel, data: Dataset) -> Result:
        """Return both similarities of each two layers, and the smaller."""
        compared = Compared.drawn(a, b, data, self.params, self.generator)
        first, second = [*compared.a.values()], [*compared.b.values()]
        cka = cka_matrix([*first, *second])[: len(first), len(first) :]
        procrustes = procrustes_matrix(first, second)
        values = {"smaller": torch.minimum(cka.double(), procrustes), "cka": cka, "procrustes": procrustes}
        return Result(scalars={"n_samples": compared.n}, tables=compared.tables(values))

    def plot(self, result: Result) -> Figure:
        """Return a heat map of the smaller."""
        from vaehub.plugins.similarity.pictures import heat_map

        return heat_map(result, "smaller", "smaller of CKA and Procrustes similarity")
