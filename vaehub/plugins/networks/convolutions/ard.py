"""The convolutional networks of the ARD paper: for MNIST, CelebA, CIFAR10 and ImageNet32, and synthetic data."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar, final

import torch
from torch import Tensor, nn

from vaehub import DataSpec, Network
from vaehub.plugins.networks.convolutions.images import halved
from vaehub.plugins.networks.convolutions.params import (
    ArdCelebaParams,
    ArdCifarParams,
    ArdMnistParams,
    ArdSyntheticParams,
)

CURE_MNIST = "'-s data.pad=2' brings 28x28 to 32x32"
CURE = "'-s data.size={}' resizes them, and '-s data.pad=2' brings 28x28 to 32x32"


@final
class ArdMnist(Network[ArdMnistParams]):
    """Convolutions of kernel 4 and stride 2 with batch normalisation and ReLU, mirrored by transposed ones.

    Saha, Joshi & Whitaker 2025, supplementary Table 4. Images in [0, 1] are rescaled to [-1, 1] inside the encoder, as
    in the released code. Initial weights are He-normal.
    """

    def __init__(self, params: ArdMnistParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        channels = [spec.shape[0], *params.channels]
        height, width = halved("ard_mnist", spec.shape, len(params.channels), cure=CURE_MNIST)
        n_features = channels[-1] * height * width
        self.encoder = nn.Sequential(
            _Centred(),
            *(layer for pair in pairwise(channels) for layer in _block(nn.Conv2d, *pair)),
            nn.Flatten(),
            nn.Linear(n_features, n_statistics * latent_dim),
        )
        up = list(pairwise(reversed(channels)))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, n_features),
            nn.Unflatten(1, (channels[-1], height, width)),
            *(layer for pair in up[:-1] for layer in _block(nn.ConvTranspose2d, *pair)),
            nn.ConvTranspose2d(*up[-1], kernel_size=4, stride=2, padding=1),
        )
        self.apply(_all_he_normal)


@final
class ArdCeleba(Network[ArdCelebaParams]):
    """Convolutions of stride 2 with batch normalisation and ReLU, and back from twice the encoder's smallest size.

    Saha, Joshi & Whitaker 2025, supplementary Table 4. The decoder's last convolution has stride 1. The paper has
    images in [-1, 1] and a tanh; here images in [0, 1] are rescaled to [-1, 1] inside the encoder, and a sigmoid of the
    output corresponds to the tanh of half of it. Squared errors are then a quarter of the paper's, and so is a matching
    beta.
    """

    def __init__(self, params: ArdCelebaParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        channels = [spec.shape[0], *params.channels]
        height, width = halved("ard_celeba", spec.shape, len(params.channels), cure=CURE.format(64))
        self.encoder = nn.Sequential(
            *([_Centred()] if spec.in_unit_interval else []),
            *_down(channels, normalised=True),
            *_head(channels[-1] * height * width, n_statistics * latent_dim),
        )
        self.decoder = _shorter_decoder(latent_dim, channels, (height, width), n_fewer=1)


@final
class ArdCifar(Network[ArdCifarParams]):
    """Convolutions of stride 2 with batch normalisation and ReLU, and back from four times the smallest size.

    Saha, Joshi & Whitaker 2025, supplementary Table 4. The decoder has two upsampling convolutions fewer, and its last
    convolution has stride 1.
    """

    def __init__(self, params: ArdCifarParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        channels = [spec.shape[0], *params.channels]
        height, width = halved("ard_cifar", spec.shape, len(params.channels), cure=CURE.format(32))
        self.encoder = nn.Sequential(
            *_down(channels, normalised=True), *_head(channels[-1] * height * width, n_statistics * latent_dim)
        )
        self.decoder = _shorter_decoder(latent_dim, channels, (height, width), n_fewer=2)


@final
class ArdSynthetic(Network[ArdSyntheticParams]):
    """Convolutions of kernel 4 and stride 2 with ReLU, mirrored by transposed ones.

    Saha, Joshi & Whitaker 2025, supplementary Table 5.
    """

    def __init__(self, params: ArdSyntheticParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        channels = [spec.shape[0], *params.channels]
        height, width = halved("ard_synthetic", spec.shape, len(params.channels), cure=CURE.format(64))
        self.encoder = nn.Sequential(
            *_down(channels, normalised=False), *_head(channels[-1] * height * width, n_statistics * latent_dim)
        )
        last = nn.ConvTranspose2d(channels[1], channels[0], kernel_size=4, stride=2, padding=1)
        self.decoder = nn.Sequential(
            *_start(latent_dim, (channels[-1], height, width)),
            *_up(channels[:0:-1], normalised=False),
            _glorot(last),
        )


class _Centred(nn.Module):
    """Rescales [0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


def _block(convolution: type[nn.Conv2d | nn.ConvTranspose2d], inputs: int, outputs: int) -> list[nn.Module]:
    return [convolution(inputs, outputs, kernel_size=4, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


@torch.no_grad()
def _all_he_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _down(channels: Sequence[int], *, normalised: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers.append(_he(nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()] if normalised else [nn.ReLU()]
    return layers


def _up(channels: Sequence[int], *, normalised: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers.append(_he(nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()] if normalised else [nn.ReLU()]
    return layers


def _head(n_features: int, n_outputs: int) -> list[nn.Module]:
    return [nn.Flatten(), _glorot(nn.Linear(n_features, n_outputs))]


def _start(latent_dim: int, smallest: tuple[int, int, int]) -> list[nn.Module]:
    n_features = smallest[0] * smallest[1] * smallest[2]
    return [_glorot(nn.Linear(latent_dim, n_features)), nn.Unflatten(1, smallest)]


def _shorter_decoder(
    latent_dim: int, channels: Sequence[int], smallest: tuple[int, int], *, n_fewer: int
) -> nn.Sequential:
    """Return a decoder with fewer upsampling convolutions than the encoder has others, and a last one of stride 1."""
    height, width = (2**n_fewer * side for side in smallest)
    return nn.Sequential(
        *_start(latent_dim, (channels[-1], height, width)),
        *_up(channels[: n_fewer - 1 : -1], normalised=True),
        _glorot(nn.ConvTranspose2d(channels[n_fewer], channels[0], kernel_size=4, padding=1)),
        # TensorFlow's 'same' for kernel 4 crops one row at the start and two at the end: one more than PyTorch can.
        nn.ZeroPad2d((0, -1, 0, -1)),
    )


Layer = TypeVar("Layer", nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


# In the released code only convolutions before a ReLU start He-normal; the others keep Keras's default, Glorot-uniform.
def _he(layer: Layer) -> Layer:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return _without_bias(layer)


def _glorot(layer: Layer) -> Layer:
    nn.init.xavier_uniform_(layer.weight)
    return _without_bias(layer)


def _without_bias(layer: Layer) -> Layer:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
