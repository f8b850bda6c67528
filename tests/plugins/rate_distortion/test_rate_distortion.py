"""Rate, distortion and the terms of the rate."""

import math

import pytest
import torch

from vaehub import (
    DataError,
    Dataset,
    Hub,
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
from vaehub.plugins.rate_distortion.params import RateDistortionParams
from vaehub.plugins.rate_distortion.rate_distortion import RateDistortion

N = 4000


class Narrow(LatentModel):
    """One latent, z given x from N(slope x, variance), and x itself standard normal, so that q(z) is normal too."""

    def __init__(self, data, *, slope, variance, prior_variance=1.0, parts=("reconstruction", "kl")):
        super().__init__(ModelParams(latent_dim=1), Network(Params(), data.spec, 1, 2), data.spec)
        self.slope, self.variance, self.prior_variance, self.named = slope, variance, prior_variance, parts

    @property
    def learned_prior_variance(self):
        return None if self.prior_variance == 1 else torch.tensor([self.prior_variance])

    def encode(self, batch):
        return Posterior(self.slope * batch.x, torch.full_like(batch.x, math.log(self.variance)))

    def decode(self, z):
        return z

    def loss(self, batch, step):
        error = (batch.x - self.encode(batch).sample(step.generator)).square().mean()
        return Losses(error, dict.fromkeys(self.named, error), omitted=2.0)

    def prior_sample(self, n, generator):
        return torch.randn(n, 1, generator=generator)


class Certain(Narrow):
    def encode(self, batch):
        return Posterior(batch.x, None)


class Conditioned(Narrow):
    def prior(self, batch):
        return batch.x, torch.zeros_like(batch.x)


@pytest.fixture
def data():
    x = torch.randn(N, 1, generator=generator(0, "x"))
    return Dataset((x - x.mean()) / x.std(correction=0))


def measured(model, data, seed=0, **params):
    metric = RateDistortion(RateDistortionParams(**{"split": "all", **params}), seed)
    refuse(metric, model, data)
    return metric.measure(model, data).scalars


@pytest.mark.parametrize(
    ("slope", "variance", "prior_variance"), [(1, 0.5, 1), (0.5, 0.75, 1), (1, 0.1, 2), (0.2, 1, 1)]
)
def test_the_terms_are_those_of_gaussians(data, slope, variance, prior_variance):
    found = measured(Narrow(data, slope=slope, variance=variance, prior_variance=prior_variance), data, n_draws=4)
    marginal = slope**2 + variance
    information = 0.5 * math.log(marginal / variance)
    divergence = 0.5 * (marginal / prior_variance - math.log(marginal / prior_variance) - 1)
    # The aggregate is of 4,000 draws of x and not of a normal, and is known at as many places: its logarithm varies
    # by about 1, and so does its mean by 1 / sqrt(N).
    tolerance = 3 / math.sqrt(N)
    assert found["mutual_information"] == pytest.approx(information, abs=tolerance)
    assert found["marginal_kl"] == pytest.approx(divergence, abs=tolerance)
    assert found["rate"] == pytest.approx(information + divergence, rel=1e-5)
    assert not found["is_at_bound"]


def test_terms_add_up(data):
    found = measured(Narrow(data, slope=1, variance=0.3), data)
    assert found["rate"] == pytest.approx(found["mutual_information"] + found["marginal_kl"], rel=1e-12)
    assert found["elbo"] == pytest.approx(-found["rate"] - found["distortion"], rel=1e-12)


def test_distortion_is_that_of_samples_with_what_the_loss_omits(data):
    found = measured(Narrow(data, slope=1, variance=0.5), data, n_draws=5)
    # The squared error of a sample is 0.5 on average with a standard deviation of 0.7.
    assert found["distortion"] == pytest.approx(2.5, abs=4 * 0.7 / math.sqrt(5 * N))


@pytest.mark.parametrize("prior_variance", [1.0, 0.25])
def test_a_collapsed_posterior_has_no_rate_and_no_information(data, prior_variance):
    model = Narrow(data, slope=0, variance=prior_variance, prior_variance=prior_variance)
    for n_batch in (50, N):
        found = measured(model, data, n_batch=n_batch)
        assert found["rate"] == pytest.approx(0, abs=1e-6)
        assert found["mutual_information"] == pytest.approx(0, abs=1e-6)


def test_weighted_sampling_finds_information_where_there_is_none(data):
    found = measured(Narrow(data, slope=0, variance=1), data, estimator="weighted")
    assert found["mutual_information"] == pytest.approx(math.log(N), abs=1e-6)
    assert found["is_at_bound"]


def test_information_beyond_what_observations_can_show_is_flagged(data):
    found = measured(Narrow(data, slope=1, variance=1e-12), data)
    assert found["mutual_information"] == pytest.approx(math.log(N), rel=0.01)
    assert found["mutual_information"] <= found["log_n"]
    assert found["is_at_bound"]


def test_a_batch_gives_more_information_than_all_and_never_more_than_log_n(data):
    model = Narrow(data, slope=1, variance=0.01)
    few, all_ = measured(model, data, n_batch=20), measured(model, data)
    assert (few["n"], few["n_samples"], all_["n_samples"]) == (N, 20, N)
    assert all_["mutual_information"] < few["mutual_information"] <= math.log(N)


def test_the_same_seed_gives_the_same_numbers(data):
    model = Narrow(data, slope=1, variance=0.3)
    assert measured(model, data) == measured(model, data) != measured(model, data, seed=1)


def test_a_model_that_does_not_sample_is_refused(data):
    with pytest.raises(VaehubError, match="needs a model with posterior variances, and this one has none"):
        measured(Certain(data, slope=1, variance=1), data)


def test_a_prior_of_each_observation_is_refused(data):
    with pytest.raises(VaehubError, match="needs one prior for all observations"):
        measured(Conditioned(data, slope=1, variance=1), data)


def test_a_loss_without_reconstruction_is_refused(data):
    with pytest.raises(VaehubError, match="has the term reconstruction, and this one has kl"):
        measured(Narrow(data, slope=1, variance=1, parts=("kl",)), data)


def test_one_observation_and_missing_splits_are_refused(data):
    with pytest.raises(DataError, match="needs at least 2 observations, and got 1: the split 'all' has 1"):
        measured(Narrow(data, slope=1, variance=1), data.first(1))
    with pytest.raises(DataError, match="no split 'validation'"):
        measured(Narrow(data, slope=1, variance=1), data, split="validation")


@pytest.mark.parametrize("model", ["vae", "ard"])
def test_rate_and_distortion_are_the_terms_of_the_bound(model):
    hub = Hub.open("store")
    settings = {"train.epochs": 2, "model.latent_dim": 4}
    found, bound = hub.run(model, ["rate_distortion", "elbo"], settings=settings)
    assert found["rate"] == pytest.approx(bound["kl"], rel=1e-5)
    assert found["distortion"] == pytest.approx(bound["distortion"], rel=1e-5)
    assert found["elbo"] == pytest.approx(bound["elbo"], rel=1e-5)


def test_the_picture_has_the_model_on_its_line(data):
    metric = RateDistortion(RateDistortionParams(split="all"))
    result = metric.measure(Narrow(data, slope=1, variance=0.3), data)
    [axes] = metric.plot(result).axes
    [point] = axes.collections[0].get_offsets().tolist()
    assert point == [result.scalars["rate"], result.scalars["distortion"]]
    line = axes.lines[0]
    assert line.get_slope() == -1
    assert line.get_xy1()[1] == pytest.approx(-result.scalars["elbo"])
