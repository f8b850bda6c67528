"""The two networks of the beta-VAE paper, which later studies of disentanglement adopted."""

from itertools import pairwise
from typing import final

from torch import nn

from vaehub import DataSpec, Network
from vaehub.plugins.networks.convolutions.images import halved
from vaehub.plugins.networks.convolutions.params import ConvHigginsParams, FcHigginsParams

CHANNELS = (32, 32, 64, 64)
CURE = "'-s data.size=64' resizes them"
WIDTH = 1200


@final
class ConvHiggins(Network[ConvHigginsParams]):
    """Four convolutions of stride 2 and a layer of 256 units, each with ReLU; transposed convolutions of kernel 4 back.

    Higgins et al. 2017, Table 1, row 3, as in the library of Locatello et al. 2019: the third and fourth kernel have
    size 2, where the papers print 4, and padding is TensorFlow's 'same'.
    """

    def __init__(self, params: ConvHigginsParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        smallest = (CHANNELS[-1], *halved("conv_higgins", spec.shape, len(CHANNELS), cure=CURE))
        n_features = smallest[0] * smallest[1] * smallest[2]
        down = list(pairwise([spec.shape[0], *CHANNELS]))
        self.encoder = nn.Sequential(
            *(
                layer
                for pair, kernel in zip(down, params.kernel_sizes, strict=True)
                for layer in [*_same(*pair, kernel), nn.ReLU()]
            ),
            nn.Flatten(),
            nn.Linear(n_features, 256),
            nn.ReLU(),
            nn.Linear(256, n_statistics * latent_dim),
        )
        up = [nn.ConvTranspose2d(to, of, kernel_size=4, stride=2, padding=1) for of, to in reversed(down)]
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 256),
            nn.ReLU(),
            nn.Linear(256, n_features),
            nn.ReLU(),
            nn.Unflatten(1, smallest),
            *(layer for convolution in up[:-1] for layer in [convolution, nn.ReLU()]),
            up[-1],
        )


@final
class FcHiggins(Network[FcHigginsParams]):
    """Two hidden layers of 1200 units with ReLU in the encoder, and three with tanh in the decoder.

    Higgins et al. 2017, Table 1, row 1, as in the library of Locatello et al. 2019. Bonheme 2023, Tables C.4 and D.3,
    names that library and prints a first layer of 256 units in the decoder.
    """

    def __init__(self, params: FcHigginsParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(spec.n_values, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, n_statistics * latent_dim),
        )
        self.decoder = nn.Sequential(
            *(
                layer
                for widths in pairwise([latent_dim, *params.decoder_widths])
                for layer in [nn.Linear(*widths), nn.Tanh()]
            ),
            nn.Linear(params.decoder_widths[-1], spec.n_values),
            nn.Unflatten(1, tuple(spec.shape)),
        )


def same_padding(kernel: int) -> tuple[int, int]:
    """Return the pixels that TensorFlow's 'same' adds before and after a side of even length, at stride 2.

    If the total is odd, the extra pixel comes after; PyTorch's own padding is equal on both sides and would shift the
    image.
    """
    total = max(kernel - 2, 0)
    return total // 2, total - total // 2


def _same(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    before, after = same_padding(kernel)
    if before == after:
        return [nn.Conv2d(inputs, outputs, kernel, stride=2, padding=before)]
    return [nn.ZeroPad2d((before, after, before, after)), nn.Conv2d(inputs, outputs, kernel, stride=2)]
