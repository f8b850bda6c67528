"""Means of the patches of an image."""

import vaehub
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from vaehub import Batch, Field
from vaehub.features import FeatureExtractor


class PatchesParams(vaehub.Params):
    side: int = Field(2, gt=0, description="patches on each side")


class Patches(FeatureExtractor[PatchesParams]):
    def __call__(self, batch: Batch) -> Tensor:
        if batch.x.ndim != 4:
            raise vaehub.DataError(f"'patches' need images, and these have shape {tuple(batch.x.shape[1:])}")
        return adaptive_avg_pool2d(batch.x.to(self.device), self.params.side).flatten(1)
