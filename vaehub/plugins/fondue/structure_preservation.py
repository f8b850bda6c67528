"""How well similarities among observations are kept."""

from __future__ import annotations

from typing import final

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.analysis import decode
from vaehub.plugins.fondue import kernels
from vaehub.plugins.fondue.params import StructurePreservationParams


@final
class StructurePreservationIndex(ModelMetric[StructurePreservationParams]):
    """Structure preservation index: Bonheme 2023, Appendix D.2; 0 where every angle between observations is kept.

    As printed it grows with the number of observations: compare results of one ``n_samples``, or ask for ``per_pair``.
    """

    computes_much = True
    needs = Needs(decoder=True, observations=2)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse observations that are zero everywhere, which have no angle."""
        seen = self.draw_observations(data)
        empty = int((~seen.data.x.flatten(1).any(dim=1)).sum())
        if empty:
            raise DataError(
                f"metric {self.name!r} compares angles between observations, and {empty} of {seen.n} are zero "
                "everywhere; take data without them"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the index."""
        sample = self.draw(model, data)
        made = decode(model, sample.z if self.params.z == "sampled" else sample.mu)
        index = kernels.structure_preservation_index(sample.data.x.cpu(), made, per_pair=self.params.per_pair)
        return Result(scalars={"index": index, "n_samples": sample.n}, arrays={"rows": sample.rows})
