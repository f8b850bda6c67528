"""Models whose latents are known."""

import pytest
import torch
from torch import nn

from vaehub import Dataset, Hub, LatentModel, ModelParams, Posterior, generator, wrap


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store", device="cpu")


@pytest.fixture
def data():
    return Dataset(torch.randn(4000, 4, generator=generator(0, "x")))


class KnownEncoder(nn.Module):
    """Latents: precise on a value of x; precise on those x whose last value is positive; or N(0, 1)."""

    def forward(self, x):
        precise = torch.full_like(x, -4) + 0.1 * x
        is_on = x[:, 3] > 0
        mixed_mu, mixed_logvar = torch.where(is_on, x[:, 3], 0.0), torch.where(is_on, -4.0, 0.0)
        nothing = torch.zeros_like(x[:, 0])
        latents = [
            (1e-3 * x[:, 0], nothing),
            (x[:, 0], precise[:, 0]),
            (mixed_mu, mixed_logvar),
            (x[:, 1], precise[:, 1]),
            (1e-3 * x[:, 0], 0.02 * x[:, 1]),
            (x[:, 2], precise[:, 2]),
            (-mixed_mu, mixed_logvar),
        ]
        mu, logvar = zip(*latents, strict=True)
        return torch.stack(mu, dim=1), torch.stack(logvar, dim=1)


@pytest.fixture
def known():
    return wrap(encoder=KnownEncoder(), decoder=nn.Linear(7, 4))


class Given(LatentModel):
    """A model that was handed its posterior and prior: functions of a batch that return mean and log variance."""

    def __init__(self, latent_dim, posterior, prior):
        super().__init__(ModelParams(latent_dim=latent_dim), nn.Identity(), None)
        self.posterior, self.given_prior = posterior, prior

    def encode(self, batch):
        return Posterior(*self.posterior(batch))

    def prior(self, batch):
        return self.given_prior(batch)

    def decode(self, z):
        raise NotImplementedError

    def loss(self, batch, step):
        raise NotImplementedError

    def prior_sample(self, n, generator):
        raise NotImplementedError


@pytest.fixture
def conditioned():
    """Return a model like an iVAE, with prior N(m(u), s(u)), s from 1e-3 to 30: active, passive, mixed and misled.

    The last has the prior's variance, and means that tell observations apart within each u.
    """

    def prior(batch):
        u = batch.x[:, :1]
        return (2 * u).expand(-1, 4), (-1.75 + 1.5 * u).clamp(-7, 3.4).expand(-1, 4)

    def posterior(batch):
        (mean, logvar), x = prior(batch), batch.x
        scale = (0.5 * logvar[:, 0]).exp()
        off = torch.where(x[:, 1] > 0, -4.0, 0.0)
        mu = [
            mean[:, 0] + scale * x[:, 1],
            mean[:, 0],
            mean[:, 0] + scale * x[:, 1].relu(),
            mean[:, 0] + scale * x[:, 2],
        ]
        return torch.stack(mu, dim=1), logvar + torch.stack([off * 0 - 4, off * 0, off, off * 0], dim=1)

    return Given(4, posterior, prior)
