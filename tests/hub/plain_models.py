"""A model whose parts are as a test wants them."""

import torch

from vaehub import DataSpec, LatentModel, ModelParams, Network, Params, Posterior, VaehubError


class Plain(LatentModel):
    """Encodes the first values as they are."""

    def __init__(self, latent_dim=2, width=4, *, logvar=None, decoder=None, prior=True, needs_labels=False):
        spec = DataSpec((width,), in_unit_interval=False)
        super().__init__(ModelParams(latent_dim=latent_dim), Network(Params(), spec, latent_dim, 2), spec)
        self.logvar, self.decoder, self.prior_is_there, self.needs_labels = logvar, decoder, prior, needs_labels
        self.decodes = decoder is not None

    def encode(self, batch):
        if self.needs_labels and batch.labels is None:
            raise VaehubError("labels are needed")
        mu = batch.x.flatten(1)[:, : self.latent_dim]
        return Posterior(mu, None if self.logvar is None else torch.full_like(mu, self.logvar))

    def decode(self, z):
        return self.decoder(z)

    def loss(self, batch, step):
        raise AssertionError("nothing is trained")

    def prior_sample(self, n, generator):
        if not self.prior_is_there:
            raise VaehubError("this model has no prior")
        return torch.randn(n, self.latent_dim, generator=generator)
