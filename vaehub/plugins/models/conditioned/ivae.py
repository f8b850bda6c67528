"""The identifiable VAE."""

from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from vaehub import Autoencoder, Batch, DataSpec, Losses, Network, Posterior, Step, VaehubError, gaussian_sample
from vaehub.plugins.models.conditioned.auxiliary import Auxiliary, known
from vaehub.plugins.models.conditioned.kernels import kl_between_gaussians
from vaehub.plugins.models.conditioned.params import IvaeParams

N_HIDDEN = 3
"""Hidden layers of the prior's network: Bonheme 2023, Table A.2."""

LEAK = 0.1
"""Slope of the leaky ReLU below 0: Khemakhem et al. 2020, released code."""


@final
class Ivae(Autoencoder[IvaeParams]):
    """VAE whose posterior and prior depend on an auxiliary variable u, which makes latents identifiable.

    Khemakhem et al. 2020, as implemented by Bonheme 2023, Chapter 5: u is joined to the encoder's flat features,
    in the original to the data; the divergence is the closed form, in the original the difference of two log
    densities at one draw; and the likelihood is the usual one for the data, in the original a Gaussian of variance 0.01
    ('likelihood=gaussian' with 'decoder_variance=0.01' gives it).

    The variable u consists of the factors, each rescaled to [0, 1] by the minimum and maximum of the dataset, or of
    one-hot labels. The reference rescales by the minimum and maximum of each minibatch, undefined where a factor is
    constant.

    Draws from the prior are draws of z given a u in which all classes of a factor, or all labels, are equally likely.
    """

    def __init__(self, params: IvaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        kind = known(params.auxiliary, spec, model="ivae", parameter="auxiliary", purpose="its auxiliary variable")
        self.auxiliary = Auxiliary(kind, spec)
        network.encoder = conditioned(network.encoder, self.auxiliary.size)
        self.prior_mu = self._learned() if params.prior_mean == "learned" else None
        self.prior_logvar = self._learned() if params.prior_variance == "learned" else None

    def _learned(self) -> nn.Sequential:
        widths = [self.auxiliary.size, *[self.params.hidden] * N_HIDDEN]
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.LeakyReLU(LEAK))]
        return nn.Sequential(*layers, nn.Linear(widths[-1], self.latent_dim))

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x,u), with u from the batch's factors or labels."""
        return self._encoded(batch.x, self.auxiliary(batch))

    def prior(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of p(z|u), with u from the batch's factors or labels."""
        return self.prior_given(self.auxiliary(batch))

    def prior_given(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of p(z|u), shape ``(n, latent_dim)`` each."""
        fixed = u.new_zeros(len(u), self.latent_dim)
        mu = fixed if self.prior_mu is None else self.prior_mu(u)
        return mu, fixed if self.prior_logvar is None else self.prior_logvar(u)

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the reconstruction term plus beta times the divergence from the prior given u."""
        u = self.auxiliary(batch)
        posterior = self._encoded(batch.x, u)
        assert posterior.logvar is not None
        z = posterior.sample(step.generator)
        reconstruction = self.reconstruction(z, batch)
        kl = kl_between_gaussians(posterior.mu, posterior.logvar, *self.prior_given(u)).mean()
        terms = {"reconstruction": reconstruction, "kl": kl}
        return Losses(reconstruction + self.params.beta * kl, terms, self.likelihood.omitted)

    @torch.no_grad()
    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from p(z|u), each for a u drawn uniformly."""
        return gaussian_sample(*self.prior_given(self.auxiliary.draw(n, generator)), generator)

    def _encoded(self, x: Tensor, u: Tensor) -> Posterior:
        return Posterior.split(self.network.encoder(self.likelihood.encoder_input(x), u))


@final
class Conditioned(nn.Module):
    """An encoder that takes u as a second input, concatenated with its flat features.

    Args:
        before: Layers from observations to flat features.
        after: Layers from concatenated features and u to statistics.
    """

    def __init__(self, before: nn.Sequential, after: nn.Sequential) -> None:
        super().__init__()
        self.before = before
        self.after = after

    def forward(self, x: Tensor, u: Tensor) -> Tensor:
        """Return the statistics of observations ``(n, *shape)`` given u, shape ``(n, m)``."""
        features: Tensor = self.before(x)
        statistics: Tensor = self.after(torch.cat([features, u], dim=1))
        return statistics


def conditioned(encoder: nn.Module, n_values: int) -> Conditioned:
    """Return an encoder that takes u at its first fully connected layer, whose input grows by the size of u.

    Its output grows by as much, as in Bonheme 2023, Table A.2, unless it is the last such layer, or layers between
    it and the next depend on its width. Layers that grow start with PyTorch's default initial weights.

    Args:
        encoder: Encoder of a network.
        n_values: Number of values of u.

    Raises:
        VaehubError: If the encoder is not a sequence of layers with a fully connected one.
    """
    layers = list(encoder) if isinstance(encoder, nn.Sequential) else []
    places = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
    if not places:
        raise VaehubError(
            "model 'ivae' joins its auxiliary variable to the input of the encoder's first fully connected layer, and "
            f"this network's encoder, {type(encoder).__name__!r}, is no sequence of layers with one; "
            "'mlp' and 'conv_higgins' are"
        )
    first, *later = places
    between = layers[first + 1 : later[0]] if later else []
    widens = bool(later) and not any(layer.state_dict() for layer in between)
    layers[first] = _wider(layers[first], inputs=n_values, outputs=n_values if widens else 0)
    if widens:
        layers[later[0]] = _wider(layers[later[0]], inputs=n_values)
    return Conditioned(nn.Sequential(*layers[:first]), nn.Sequential(*layers[first:]))


def _wider(layer: nn.Module, *, inputs: int, outputs: int = 0) -> nn.Linear:
    assert isinstance(layer, nn.Linear)
    return nn.Linear(layer.in_features + inputs, layer.out_features + outputs, bias=layer.bias is not None)
