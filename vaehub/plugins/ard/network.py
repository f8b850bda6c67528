"""The convolutional network of the ARD paper for MNIST."""

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaehub import DataSpec, Network, VaehubError
from vaehub.plugins.ard.params import ArdMnistParams


@final
class ArdMnist(Network):
    """Convolutions of kernel 4 and stride 2 with batch normalisation and ReLU, mirrored by transposed ones.

    Saha, Joshi & Whitaker 2025, supplementary Table 4. Images in [0, 1] are brought to [-1, 1] inside the encoder, as
    the released code does. Weights start He-normal.
    """

    Params = ArdMnistParams
    params: ArdMnistParams

    def __init__(self, params: ArdMnistParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        factor = 2 ** len(params.channels)
        if len(spec.shape) != 3 or spec.shape[1] % factor or spec.shape[2] % factor:
            raise VaehubError(
                f"network 'ard_mnist' halves images {len(params.channels)} times, so both sides must be multiples of "
                f"{factor}, got shape {spec.shape}; '-s data.pad=2' brings 28x28 to 32x32"
            )
        channels = [spec.shape[0], *params.channels]
        smallest = (channels[-1], spec.shape[1] // factor, spec.shape[2] // factor)
        n_features = smallest[0] * smallest[1] * smallest[2]
        self.encoder = nn.Sequential(
            _Centred(),
            *(layer for pair in pairwise(channels) for layer in _down(*pair)),
            nn.Flatten(),
            nn.Linear(n_features, n_statistics * latent_dim),
        )
        up = list(pairwise(reversed(channels)))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, n_features),
            nn.Unflatten(1, smallest),
            *(layer for pair in up[:-1] for layer in _up(*pair)),
            nn.ConvTranspose2d(*up[-1], kernel_size=4, stride=2, padding=1),
        )
        self.apply(_he_normal)


class _Centred(nn.Module):
    """Brings [0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


def _up(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


@torch.no_grad()
def _he_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
