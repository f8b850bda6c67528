"""The convolutional network of a plain VAE on MNIST."""

from typing import final

from torch import nn

from vaehub import DataSpec, Network
from vaehub.plugins.networks.convolutions.images import halved
from vaehub.plugins.networks.convolutions.params import ConvMnistParams


@final
class ConvMnist(Network[ConvMnistParams]):
    """Two convolutions of kernel 4 and stride 2, ReLU after each, a dense layer; transposed convolutions back.

    Shonia 2026, slides: a convolutional trunk and dense layers, mirrored in the decoder. Numbers of layers, widths and
    kernels are not given there; all of them are ours. A 28x28 image becomes 64 maps of 7x7.
    """

    def __init__(self, params: ConvMnistParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        smallest = (64, *halved("conv_mnist", spec.shape, 2, cure="'-s data.size=28' resizes them"))
        n_features = smallest[0] * smallest[1] * smallest[2]
        self.encoder = nn.Sequential(
            nn.Conv2d(spec.shape[0], 32, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(n_features, params.hidden),
            nn.ReLU(),
            nn.Linear(params.hidden, n_statistics * latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, params.hidden),
            nn.ReLU(),
            nn.Linear(params.hidden, n_features),
            nn.ReLU(),
            nn.Unflatten(1, smallest),
            nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, spec.shape[0], kernel_size=4, stride=2, padding=1),
        )
