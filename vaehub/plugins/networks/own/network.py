"""A network built of a user's own modules."""

from typing import final

import torch

from vaehub import DataSpec, Network, VaehubError
from vaehub.adapters import Parts, UserDecoder, UserEncoder, check_finite
from vaehub.plugins.networks.own.loading import network_of, program
from vaehub.plugins.networks.own.params import OwnNetworkParams

N_TRIED = 64
"""Made-up observations that the encoder and the decoder are tried on."""


@final
class OwnNetwork(Network[OwnNetworkParams]):
    """An encoder and a decoder that were written, and perhaps trained, elsewhere.

    ``train.epochs=0`` measures them as they are; with more epochs, a model of the catalog continues their training.
    """

    def __init__(self, params: OwnNetworkParams, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
        super().__init__(params, spec, latent_dim, n_statistics)
        self.gives_means = params.output == "mean"
        # Whoever asked may be another process, and have done so before a file was edited.
        params.refuse_changes()
        parts = _parts(params)
        if parts.decoder is None:
            raise VaehubError(f"{params.object!r} gives an encoder without a decoder, and a network has both")
        self.encoder = UserEncoder(
            parts.encoder, scale=params.scale, statistics=params.statistics, inputs=params.inputs
        )
        self.decoder = UserDecoder(parts.decoder, spec, params.output, inputs=params.inputs)
        _check(self.encoder, self.decoder, spec, latent_dim, n_statistics)


def _parts(params: OwnNetworkParams) -> Parts:
    if params.object is None:
        assert params.encoder is not None, "checked by the parameters"
        assert params.decoder is not None, "checked by the parameters"
        programs = program(params.encoder), program(params.decoder)
        for path, each in zip((params.encoder, params.decoder), programs, strict=True):
            check_finite(each, f"the weights in {str(path)!r}")
        return Parts(*programs)
    return network_of(params.object, params.weights)[1]


@torch.no_grad()
def _check(encoder: UserEncoder, decoder: UserDecoder, spec: DataSpec, latent_dim: int, n_statistics: int) -> None:
    # Many values, so that they show what a second tensor holds.
    mu, logvar = encoder.meet(torch.rand(N_TRIED, *spec.shape, generator=torch.Generator().manual_seed(0)))
    decoder.latent_shape = encoder.latent_shape
    found = 1 if logvar is None else 2
    if found == 1 and n_statistics == 2 and mu.shape[1] == 2 * latent_dim:
        raise VaehubError(
            f"network 'own' has an encoder that gives one tensor with {mu.shape[1]} values an observation, twice the "
            f"{latent_dim} latents that were asked for; if these are means and then log variances, set "
            "'-s network.statistics=concatenated'"
        )
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
    decoder.meet(mu, encoder.latent_shape)
