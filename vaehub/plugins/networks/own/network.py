"""A network built of a user's own modules."""

from typing import final

import torch
from torch import nn

from vaehub import DataSpec, Network, VaehubError
from vaehub.adapters import UserDecoder, UserEncoder, check_finite, load_weights
from vaehub.plugins.networks.own.loading import network_of, program
from vaehub.plugins.networks.own.params import OwnNetworkParams


@final
class OwnNetwork(Network[OwnNetworkParams]):
    """An encoder and a decoder that were written, and perhaps trained, elsewhere.

    ``train.epochs=0`` measures them as they are; with more epochs, a model of the catalog continues their training.
    """

    def __init__(self, params: OwnNetworkParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        # Whoever asked may be another process, and have done so before a file was edited.
        params.refuse_changes()
        encoder, decoder = _pair(params)
        self.encoder, self.decoder = UserEncoder(encoder), UserDecoder(decoder, spec, params.output)
        _check(self.encoder, self.decoder, spec, latent_dim, n_statistics)


def _pair(params: OwnNetworkParams) -> tuple[nn.Module, nn.Module]:
    if params.object is None:
        assert params.encoder is not None, "checked by the parameters"
        assert params.decoder is not None, "checked by the parameters"
        programs = program(params.encoder), program(params.decoder)
        for path, each in zip((params.encoder, params.decoder), programs, strict=True):
            check_finite(each, f"the weights in {str(path)!r}")
        return programs
    whole = network_of(params.object)
    if params.weights is not None:
        load_weights(whole, params.weights)
    check_finite(whole, f"the weights of {params.object!r}")
    return (whole[0], whole[1]) if isinstance(whole, nn.ModuleList) else (whole.encoder, whole.decoder)  # type: ignore[return-value]


@torch.no_grad()
def _check(encoder: UserEncoder, decoder: UserDecoder, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
    modules = encoder.training, decoder.training
    encoder.eval()
    decoder.eval()
    mu, logvar = encoder.posterior(torch.full((2, *spec.shape), 0.5))
    found = 1 if logvar is None else 2
    if found != n_statistics:
        gives = "only means" if found == 1 else "means and log variances"
        takes = "only means, as 'ae' does" if n_statistics == 1 else "means and log variances, as 'vae' does"
        raise VaehubError(
            f"network 'own' has an encoder that gives {gives}, and this model takes {takes}; "
            f"'--model {'ae' if found == 1 else 'vae'}' fits it"
        )
    if mu.shape[1] != latent_dim:
        raise VaehubError(
            f"network 'own' has {mu.shape[1]} latents, and {latent_dim} were asked for; "
            f"set '-s model.latent_dim={mu.shape[1]}'"
        )
    decoder.check(mu)
    encoder.train(modules[0])
    decoder.train(modules[1])
