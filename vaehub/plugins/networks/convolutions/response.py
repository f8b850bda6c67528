"""The convolutional network of the latent response paper."""

from typing import final

from torch import nn

from vaehub import DataSpec, Network, VaehubError
from vaehub.plugins.networks.convolutions.images import image_shape
from vaehub.plugins.networks.convolutions.params import ConvResponseParams

N_GROUPS = 8
SMALLEST = 2  # pixels along each side of the smallest maps


@final
class ConvResponse(Network[ConvResponseParams]):
    """Blocks that halve an image down to 2x2, layers of 256 and 128 units, and as many doublings back, with ELUs.

    Leeb et al. 2021, Appendix A.4.2, with the order of layers in the released code: convolution, pooling, group
    normalisation, ELU. Figure 8 has an ELU after the third dense layer of the decoder, which is an option here. Only
    the output convolution follows the last doubling, so 64x64 images have five blocks and 32x32 images have four.
    """

    def __init__(self, params: ConvResponseParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        n_blocks = _halvings(spec.shape)
        c = params.channels
        n_features = c * SMALLEST**2
        self.encoder = nn.Sequential(
            *_down(spec.shape[0], c, kernel=5),
            *(layer for _ in range(n_blocks - 1) for layer in _down(c, c, kernel=3)),
            nn.Flatten(),
            nn.Linear(n_features, 256),
            nn.ELU(),
            nn.Linear(256, 128),
            nn.ELU(),
            nn.Linear(128, n_statistics * latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 128),
            nn.ELU(),
            nn.Linear(128, 256),
            nn.ELU(),
            nn.Linear(256, n_features),
            *([nn.ELU()] if params.third_elu else []),
            nn.Unflatten(1, (c, SMALLEST, SMALLEST)),
            *(layer for _ in range(n_blocks - 1) for layer in [*_up(c, c), nn.GroupNorm(N_GROUPS, c), nn.ELU()]),
            *_up(c, spec.shape[0]),
        )


def _halvings(shape: tuple[int, ...]) -> int:
    _, height, width = image_shape("conv_response", shape)
    n_halvings = (height // SMALLEST).bit_length() - 1
    if height != width or n_halvings < 1 or height != SMALLEST * 2**n_halvings:
        raise VaehubError(
            "network 'conv_response' halves images down to 2x2, so both sides must be the same power of 2 from 4 on, "
            f"got shape {shape}; '-s data.size=64' or '-s data.size=32' resizes them, and '-s data.pad=2' brings "
            "28x28 to 32x32"
        )
    return n_halvings


def _down(inputs: int, outputs: int, *, kernel: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.MaxPool2d(2),
        nn.GroupNorm(N_GROUPS, outputs),
        nn.ELU(),
    ]


def _up(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)]
