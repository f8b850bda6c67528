"""Means of the patches of an image."""

import vaehub
from torch.nn.functional import adaptive_avg_pool2d
from vaehub import Field
from vaehub.features import FeatureExtractor


class Patches(FeatureExtractor):
    class Params(vaehub.Params):
        side: int = Field(2, gt=0, description="patches on each side")

    def __call__(self, batch):
        if batch.x.ndim != 4:
            raise vaehub.DataError(f"'patches' are of images, and these have shape {tuple(batch.x.shape[1:])}")
        return adaptive_avg_pool2d(batch.x.to(self.device), self.params.side).flatten(1)
