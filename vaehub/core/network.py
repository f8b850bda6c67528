"""Networks: an encoder and a decoder, without a loss."""

from __future__ import annotations

from torch import nn

from vaehub.core.data.dataset import DataSpec
from vaehub.core.params import P_co, Parametrised


class Network(nn.Module, Parametrised[P_co]):
    """An encoder and a decoder; a subclass builds both in its constructor, with sizes derived from the data's shape.

    Args:
        params: The network's own parameters.
        spec: What is known about the data.
        latent_dim: Number of latents.
        n_statistics: Outputs of the encoder per latent: 2 for mean and log variance, 1 for a code.

    Attributes:
        encoder: Maps ``(n, *shape)`` to ``(n, n_statistics * latent_dim)``, all means first.
        decoder: Maps ``(n, latent_dim)`` to ``(n, *shape)``, before any output non-linearity.
        gives_means: Whether the decoder gives means of p(x|z) where data are not in [0, 1], with its own non-linearity.

    Raises:
        VaehubError: If the architecture cannot take data of this shape.
    """

    encoder: nn.Module
    decoder: nn.Module
    gives_means: bool = False

    def __init__(self, params: P_co, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__()
        self.params = params
        self.spec = spec
        self.latent_dim = latent_dim
        self.n_statistics = n_statistics
