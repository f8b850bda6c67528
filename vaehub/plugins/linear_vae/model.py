"""The linear VAE."""

import math
from typing import final

import torch
from torch import Tensor, nn

from vaehub import (
    Batch,
    DataSpec,
    Epoch,
    LatentModel,
    Losses,
    Network,
    Posterior,
    Step,
    VaehubError,
)
from vaehub.plugins.linear_vae.kernels import (
    diagonal_variance,
    linear_posterior,
    linear_reconstruction,
    shared_kl,
    spectral_solution,
)
from vaehub.plugins.linear_vae.moments import Moments
from vaehub.plugins.linear_vae.params import LinearVaeParams

RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)
"""Layers that move values and change none."""


@final
class LinearVae(LatentModel[LinearVaeParams]):
    """Linear VAE: Lucas et al. 2019.

    Decoder N(W z + b, gamma I), posterior of linear mean with variances that all observations share. The expectation
    over z is exact: no noise is drawn. Its optimum is that of probabilistic principal component analysis, which
    ``solution=closed_form`` takes from the mean and covariance of the training split. Reconstructions are not bounded,
    whatever the range of the data.
    """

    n_statistics = 1
    log_gamma: Tensor

    def __init__(self, params: LinearVaeParams, network: Network, spec: DataSpec) -> None:
        super().__init__(params, network, spec)
        if params.latent_dim >= spec.n_values:
            raise VaehubError(
                f"model 'linear_vae' needs fewer latents than an observation has values, got {params.latent_dim} "
                f"latents and {spec.n_values} values; '-s model.latent_dim={spec.n_values - 1}' is the most"
            )
        for module in (network.encoder, network.decoder):
            only_map(module)
        self.logvar = nn.Parameter(torch.zeros(params.latent_dim))
        if params.decoder_variance == "learned":
            self.log_gamma = nn.Parameter(torch.zeros(()))
        else:
            self.register_buffer("log_gamma", torch.tensor(math.log(params.decoder_variance)), persistent=False)

    def encode(self, batch: Batch) -> Posterior:
        """Return q(z|x), whose variances are the same for every x."""
        mu = self.network.encoder(batch.x)
        return Posterior(mu, self.logvar.expand_as(mu))

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z), W z + b."""
        output: Tensor = self.network.decoder(z)
        return output

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the exact expectation of -log p(x|z) plus beta times the divergence."""
        mu, variance = self.encode(batch).mu, self.logvar.exp()
        decoder, gamma = only_map(self.network.decoder), self.log_gamma.exp()
        reconstruction = linear_reconstruction(
            batch.x.flatten(1), decoder.weight, decoder.bias, gamma, mu=mu, covariance=variance
        ).mean()
        kl = shared_kl(mu, variance).mean()
        return Losses(reconstruction + self.params.beta * kl, {"reconstruction": reconstruction, "kl": kl})

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the standard normal."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    @torch.no_grad()
    def solve(self, epoch: Epoch) -> bool:
        """Set the weights to the known optimum of the training split, if that is what the parameters ask for."""
        if self.params.solution != "closed_form":
            return False
        given, beta = self.params.decoder_variance, self.params.beta
        fixed = None if given == "learned" else given
        moments = Moments.of(epoch.data)
        weights, bias, gamma = spectral_solution(moments.mean, *moments.leading(self.latent_dim), fixed, beta)
        if gamma == 0:
            raise VaehubError(
                f"model 'linear_vae' has no optimum here, because {self.latent_dim} latents explain the "
                f"{len(epoch.data)} observations wholly and their variance would be 0; fewer latents, more "
                "observations or '-s model.decoder_variance=0.01' give one"
            )
        inside, _ = linear_posterior(weights, gamma, beta)
        encoder, decoder = only_map(self.network.encoder), only_map(self.network.decoder)
        for weight, value in [
            (decoder.weight, weights),
            (decoder.bias, bias),
            (encoder.weight, inside),
            (encoder.bias, -inside @ bias),
            (self.logvar, diagonal_variance(weights, gamma, beta).log()),
            (self.log_gamma, gamma.log()),
        ]:
            weight.copy_(value)
        return True


def only_map(module: nn.Module) -> nn.Linear:
    """Return the one linear map of an encoder or decoder that has nothing else, whatever network it belongs to."""
    layers = [each for each in module.modules() if not isinstance(each, (nn.Sequential, *RESHAPING))]
    if len(layers) != 1 or not isinstance(layers[0], nn.Linear):
        raise VaehubError(
            "model 'linear_vae' needs a linear network, and this one has hidden layers; add '--network linear'"
        )
    if layers[0].bias is None:
        raise VaehubError(
            "model 'linear_vae' needs a linear network with a constant in each map, and this one has none; "
            "add '-s network.bias=true'"
        )
    return layers[0]
