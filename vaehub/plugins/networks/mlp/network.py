"""The fully connected network."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

from torch import nn

from vaehub import DataSpec, Network
from vaehub.plugins.networks.mlp.params import MlpParams

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}


@final
class Mlp(Network[MlpParams]):
    """Layers ``data - hidden - statistics`` and ``latents - hidden reversed - data``, with non-linearities between."""

    def __init__(self, params: MlpParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        widths = [spec.n_values, *params.hidden]
        activation = ACTIVATIONS[params.activation]
        self.encoder = nn.Sequential(nn.Flatten(), *_layers([*widths, n_statistics * latent_dim], activation))
        self.decoder = nn.Sequential(
            *_layers([latent_dim, *reversed(widths)], activation), nn.Unflatten(1, tuple(spec.shape))
        )


def _layers(widths: Sequence[int], activation: type[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return layers[:-1]
