"""A vision transformer in the manner of CLIP: patches, a class token, and a projection of norm 1."""

import torch
import vaehub
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize
from vaehub import Batch
from vaehub.features import FeatureExtractor, FindModel

from clip_like.params import ClipLikeParams


class Vision(nn.Module):
    def __init__(self, side: int, width: int = 32, size: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, kernel_size=4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.zeros(1, (side // 4) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.projection = nn.Linear(width, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1) + self.places
        return normalize(self.projection(self.layers(tokens)[:, 0]), dim=1)


class ClipLike(FeatureExtractor[ClipLikeParams]):
    def __init__(self, params: ClipLikeParams, device: torch.device, models: FindModel | None = None) -> None:
        super().__init__(params, device, models)
        file = params.file()
        if file is None:
            raise vaehub.VaehubError("'clip_like' needs its weights; set '-s metric.weights=FILE'")
        self._vision = Vision(params.side)
        self._vision.load_state_dict(load_file(file))
        self._vision.to(device).eval()

    def __call__(self, batch: Batch) -> Tensor:
        if batch.x.ndim != 4:
            raise vaehub.DataError(f"'clip_like' needs images, and these have shape {tuple(batch.x.shape[1:])}")
        x = batch.x.to(self.device).expand(-1, 3, -1, -1)
        found: Tensor = self._vision(interpolate(x, self.params.side, mode="bilinear", antialias=True))
        return found
