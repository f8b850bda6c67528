"""Models whose latents are known."""

import pytest
import torch
from torch import nn

from vaehub import Dataset, generator, wrap


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


def conditional_prior(x):
    """Return means and log variances of p(z|u), u the first value of x: s from 1e-3 to 30."""
    u = x[:, :1]
    return (2 * u).expand(-1, 4), (-1.75 + 1.5 * u).clamp(-7, 3.4).expand(-1, 4)


class ConditionedEncoder(nn.Module):
    """Latents: active, passive, mixed, and one of the prior's variance whose means tell x apart within each u."""

    def forward(self, x):
        mean, logvar = conditional_prior(x)
        scale, off = (0.5 * logvar[:, 0]).exp(), torch.where(x[:, 1] > 0, -4.0, 0.0)
        within = torch.stack([x[:, 1], torch.zeros_like(off), x[:, 1].relu(), x[:, 2]], dim=1)
        below = torch.stack([off * 0 - 4, off * 0, off, off * 0], dim=1)
        return mean + scale[:, None] * within, logvar + below


@pytest.fixture
def conditioned():
    """Return a model like an iVAE, whose prior is conditional."""
    model = wrap(encoder=ConditionedEncoder(), decoder=nn.Linear(4, 4))
    model.prior = lambda batch: conditional_prior(batch.x)
    return model
