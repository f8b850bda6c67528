"""The convolutional network of the intervention paper."""

from typing import final

from torch import nn

from vaehub import DataSpec, Network, Params
from vaehub.plugins.networks.convolutions.images import halved


@final
class ConvBn(Network):
    """Two convolutions of stride 2 and one of stride 1, each with batch normalisation and ReLU, mirrored back.

    Müller et al. 2025, Appendix C. A 28x28 image becomes 128 maps of 7x7. The decoder's last layer
    is a plain convolution.
    """

    def __init__(self, params: Params, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        smallest = (128, *halved("conv_bn", spec.shape, 2, cure="'-s data.size=28' resizes them"))
        n_features = smallest[0] * smallest[1] * smallest[2]
        self.encoder = nn.Sequential(
            *_normalised(nn.Conv2d(spec.shape[0], 32, kernel_size=4, stride=2, padding=1)),
            *_normalised(nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1)),
            *_normalised(nn.Conv2d(64, 128, kernel_size=3, padding=1)),
            nn.Flatten(),
            nn.Linear(n_features, n_statistics * latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, n_features),
            nn.Unflatten(1, smallest),
            *_normalised(nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1)),
            *_normalised(nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1)),
            nn.Conv2d(32, spec.shape[0], kernel_size=3, padding=1),
        )


def _normalised(layer: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU()]
