"""The evidence lower bound."""

import math

import pytest
import torch
from torch import distributions

from vaehub import (
    DataError,
    Dataset,
    LatentModel,
    Losses,
    ModelParams,
    Network,
    Params,
    Posterior,
    VaehubError,
    generator,
)
from vaehub.hub.refusals import refuse
from vaehub.plugins.rate_distortion.elbo import Elbo
from vaehub.plugins.rate_distortion.params import ElboParams


class Exact(LatentModel):
    """A linear Gaussian model whose posterior is exact, so that the bound is the log likelihood itself.

    z is standard normal and x = z + noise of variance 1/2, in one dimension.
    """

    VARIANCE = 1 / 3  # of the posterior: 1 / (1 + 2)

    def __init__(self, data, parts=("reconstruction", "kl")):
        super().__init__(ModelParams(latent_dim=1), Network(Params(), data.spec, 1, 2), data.spec)
        self.anchor = torch.nn.Parameter(torch.zeros(()))
        self.named = parts

    def encode(self, batch):
        return Posterior(batch.x * 2 / 3, torch.full_like(batch.x, math.log(self.VARIANCE)))

    def decode(self, z):
        return z

    def loss(self, batch, step):
        posterior = self.encode(batch)
        error = (batch.x - posterior.sample(step.generator)).square().mean()
        kl = 0.5 * (posterior.mu.square() + self.VARIANCE - posterior.logvar - 1).mean()
        return Losses(error + 7 * kl, dict(zip(self.named, (error, kl))), omitted=0.5 * math.log(math.pi))  # noqa: B905

    def prior_sample(self, n, generator):
        return torch.randn(n, 1, generator=generator)


@pytest.fixture
def data():
    x = torch.randn(4000, 1, generator=generator(0, "x")) * math.sqrt(1.5)
    return Dataset(x).with_validation(0.5, generator(0, "split"))


def test_the_bound_of_an_exact_posterior_is_the_log_likelihood(data):
    found = Elbo(ElboParams(n_samples=20)).measure(Exact(data), data)
    expected = distributions.Normal(0, math.sqrt(1.5)).log_prob(data.split("validation").x).mean()
    # Noise of the squared error has a standard deviation of about 0.9 for each of 2,000 x 20 draws.
    assert found.scalars["elbo"] == pytest.approx(float(expected), abs=4 * 0.9 / math.sqrt(40_000))


def test_the_bound_is_minus_the_sum_of_its_terms(data):
    scalars = Elbo(ElboParams()).measure(Exact(data), data).scalars
    assert scalars["elbo"] == pytest.approx(-scalars["distortion"] - scalars["kl"])


def test_terms_are_means_over_observations_however_they_are_batched(data):
    # 2,000 observations are one full batch and a smaller one; the divergence is exact and shows the weighting.
    kl = Elbo(ElboParams()).measure(Exact(data), data).scalars["kl"]
    mu = data.split("validation").x.double() * 2 / 3
    expected = 0.5 * (mu.square() + 1 / 3 - math.log(1 / 3) - 1).mean()
    assert kl == pytest.approx(float(expected), rel=1e-5)


def test_a_split_that_is_not_there_is_refused(data):
    with pytest.raises(DataError, match="there is no split 'test' of these data, there is train, validation, all"):
        refuse(Elbo(ElboParams(split="test")), Exact(data), data)


def test_a_model_without_the_terms_is_refused(data):
    with pytest.raises(VaehubError, match="terms reconstruction and kl, and this one has error, penalty"):
        refuse(Elbo(ElboParams()), Exact(data, parts=("error", "penalty")), data)


@pytest.mark.parametrize("split", ["train", "validation", "all"])
def test_the_split_is_the_one_that_is_asked_for(data, split):
    found = Elbo(ElboParams(split=split)).measure(Exact(data), data).scalars
    mu = data.split(split).x.double() * 2 / 3
    assert found["n_samples"] == len(mu)
    assert found["kl"] == pytest.approx(float(0.5 * (mu.square() + 1 / 3 - math.log(1 / 3) - 1).mean()), rel=1e-5)


def test_more_draws_of_z_change_the_reconstruction_and_not_the_divergence(data):
    once, more = (Elbo(ElboParams(n_samples=n)).measure(Exact(data), data).scalars for n in (1, 5))
    assert once["kl"] == pytest.approx(more["kl"])
    assert once["distortion"] != more["distortion"]
