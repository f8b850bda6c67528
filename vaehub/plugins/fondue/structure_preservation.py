"""How well likenesses among observations are kept."""

from __future__ import annotations

from typing import final

import torch

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Result
from vaehub.plugins.fondue import kernels
from vaehub.plugins.fondue.params import StructurePreservationParams
from vaehub.plugins.fondue.sampled import check_decodes, check_drawn, drawn, reconstructed


@final
class StructurePreservationIndex(ModelMetric):
    """Structure preservation index: Bonheme 2023, Appendix D.2; 0 where every angle between observations is kept.

    As printed it grows with the number of observations: compare what has the same ``n``, or ask for it by pair.
    """

    Params = StructurePreservationParams
    params: StructurePreservationParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models without a decoder, and observations that are zero everywhere, which have no angle."""
        check_drawn("structure_preservation_index", self.params, data)
        check_decodes("structure_preservation_index", model)
        observations, _ = self._drawn(data)
        empty = int((~observations.x.flatten(1).any(dim=1)).sum())
        if empty:
            raise DataError(
                f"metric 'structure_preservation_index' is of angles between observations, and {empty} of "
                f"{len(observations)} are zero everywhere; take data without them"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the index, and how many observations it is of."""
        observations, rows = self._drawn(data)
        noise = self.generator("noise", device=model.device) if self.params.z == "sampled" else None
        index = kernels.structure_preservation_index(
            observations.x.cpu(), reconstructed(model, observations, noise), per_pair=self.params.per_pair
        )
        return Result(scalars={"index": index, "n": len(observations)}, arrays={"rows": rows})

    def _drawn(self, data: Dataset) -> tuple[Dataset, torch.Tensor]:
        return drawn(data, self.params, self.generator("rows"))
