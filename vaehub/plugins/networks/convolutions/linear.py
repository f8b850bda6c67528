"""The linear network."""

from typing import final

from torch import nn

from vaehub import DataSpec, Network
from vaehub.plugins.networks.convolutions.params import LinearParams


@final
class Linear(Network[LinearParams]):
    """One linear map each way, as in linear VAEs and probabilistic principal component analysis."""

    def __init__(self, params: LinearParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(spec.n_values, n_statistics * latent_dim, bias=params.bias)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, spec.n_values, bias=params.bias), nn.Unflatten(1, tuple(spec.shape))
        )
