"""Models whose responses are known."""

import pytest
import torch
from ring_models import Narrow, OntoRing
from torch import nn

from vaehub import Dataset, Factors, Hub, generator, wrap


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store", device="cpu")


@pytest.fixture(scope="package")
def shared(tmp_path_factory):
    """A store that several tests use: what is trained once serves them all."""
    return Hub.open(tmp_path_factory.mktemp("latent_response"), device="cpu")


class Encoder(nn.Module):
    """Values as posterior means, by a map, with one variance."""

    def __init__(self, weight, logvar=-20.0):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=torch.float32))
        self.logvar = logvar

    def forward(self, x):
        mu = x @ self.weight
        return mu, torch.full_like(mu, self.logvar)


class Decoder(nn.Module):
    """Latents as values, by a map."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=torch.float32))

    def forward(self, z):
        return z @ self.weight


def linear(decoder, encoder, logvar=-20.0):
    return wrap(encoder=Encoder(encoder, logvar), decoder=Decoder(decoder))


@pytest.fixture
def make():
    """Return what makes a linear model of a decoder's and an encoder's matrix."""
    return linear


@pytest.fixture
def perfect():
    """Return a model of three latents whose responses are its latents."""
    return linear(torch.eye(3), torch.eye(3))


@pytest.fixture
def data():
    """Return observations of three values with deviations of 0.5, 1 and 2."""
    return Dataset(torch.tensor([0.5, 1, 2]) * torch.randn(4000, 3, generator=generator(0, "x")))


@pytest.fixture
def with_factors():
    """Return observations whose values are three factors, of 3, 4 and 5 values, each centred."""
    factors = Factors.grid(("a", "b", "c"), (3, 4, 5))
    return Dataset(factors.classes.float() - torch.tensor([1, 1.5, 2]), factors=factors)


@pytest.fixture
def ring():
    """Return points on a circle of radius 1."""
    angle = 2 * torch.pi * torch.rand(2000, generator=generator(0, "angle"))
    return Dataset(torch.stack([angle.cos(), angle.sin()], dim=1), labels=(angle > torch.pi).long())


@pytest.fixture
def ring_model():
    """Return a model whose responses are the nearest points of the circle."""
    return wrap(encoder=Narrow(), decoder=OntoRing())
