"""The relevance of latents, end to end on models whose answer is known."""

import numpy as np
import pytest
import torch

from vaehub import DataError, Dataset, LatentModel, ModelParams, Network, Params, Posterior, VaehubError, generator
from vaehub.plugins.ard.params import RelevanceParams
from vaehub.plugins.ard.relevance import Relevance

SCALES = torch.tensor([3.0, 0.0, 1.0, 0.5])


class Linear(LatentModel):
    """Encodes four of the values as they are and decodes with a known scale for each."""

    def __init__(self, data, *, prior=None, logvar=-2.0):
        super().__init__(ModelParams(latent_dim=4), Network(Params(), data.spec, 4, 2), data.spec)
        self.logvar, self.prior = logvar, prior
        self.anchor = torch.nn.Parameter(torch.zeros(()))

    @property
    def learned_prior_variance(self):
        return self.prior

    def encode(self, batch):
        mu = batch.x[:, :4]
        return Posterior(mu, None if self.logvar is None else torch.full_like(mu, self.logvar))

    def decode(self, z):
        return z * SCALES

    def loss(self, batch, step):
        raise AssertionError("relevance needs no loss")

    def prior_sample(self, n, generator):
        return torch.randn(n, 4, generator=generator)


@pytest.fixture
def data():
    x = torch.randn(500, 4, generator=generator(0, "x")) * torch.tensor([1.0, 1.0, 2.0, 0.1]) + 5
    return Dataset(x).with_validation(0.2, generator(0, "split"))


def measure(model, data, **params):
    metric = Relevance(RelevanceParams(**params))
    metric.check(model, data)
    return metric.measure(model, data)


def test_weights_of_a_linear_decoder_are_squared_scales(data):
    np.testing.assert_allclose(measure(Linear(data), data).vectors["weight"].values, SCALES**2, rtol=1e-6)


def test_variance_of_encoded_data_is_that_of_mu_plus_the_posterior_variance(data):
    found = measure(Linear(data), data).vectors["variance"].values
    expected = data.split("train").x.double().var(0, correction=0) + np.exp(-2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_variance_of_a_deterministic_encoder_is_that_of_its_codes(data):
    found = measure(Linear(data, logvar=None), data).vectors["variance"].values
    np.testing.assert_allclose(found, data.split("train").x.double().var(0, correction=0), rtol=1e-6)


def test_second_moment_is_not_centred(data):
    found = measure(Linear(data, logvar=None), data, variance="second_moment").vectors["variance"].values
    np.testing.assert_allclose(found, data.split("train").x.double().square().mean(0), rtol=1e-6)


def test_a_learned_prior_gives_the_variance(data):
    model = Linear(data, prior=torch.tensor([0.5, 1.0, 2.0, 4.0]))
    assert measure(model, data).vectors["variance"].values.tolist() == [0.5, 1.0, 2.0, 4.0]
    assert measure(model, data, variance="one").vectors["variance"].values.tolist() == [1.0] * 4


def test_relevance_is_weight_times_variance_and_shares_sum_to_one(data):
    vectors = measure(Linear(data), data).vectors
    product = vectors["weight"].values * vectors["variance"].values
    np.testing.assert_allclose(vectors["relevance"].values, product, rtol=1e-12)
    assert vectors["share"].values.sum() == pytest.approx(1.0)


def test_the_active_latents_are_the_most_relevant_ones(data):
    # Relevances are about 9.1, 0, 4.1 and 0.04: the first and the third explain 99.7 %.
    result = measure(Linear(data), data)
    assert result.scalars["n_active"] == 2
    assert result.vectors["active"].values.tolist() == [1, 0, 1, 0]


def test_a_decoder_that_ignores_everything_is_flagged(data, monkeypatch):
    model = Linear(data)
    model.decode = lambda z: z * 0
    result = measure(model, data)
    assert result.scalars == {"n_active": 0, "is_collapsed": 1}
    assert np.isnan(result.vectors["share"].values).all()


def test_the_same_seed_gives_the_same_bits(data):
    model = Linear(data)
    first, second = (measure(model, data, at="sample").vectors["relevance"].values for _ in range(2))
    assert np.array_equal(first, second)


def test_more_observations_than_there_are_is_refused_before_training(data):
    with pytest.raises(DataError, match=r"averages over 1000 observations, and the split 'train' has 400; set '-s"):
        measure(Linear(data), data, n_samples=1000)


def test_a_prior_that_is_not_learned_is_refused(data):
    with pytest.raises(VaehubError, match="needs a model with a learned prior, and this one has none; 'ard' does"):
        measure(Linear(data), data, variance="prior")


def test_the_picture_shows_every_latent_sorted_and_the_active_ones_in_colour(data):
    pytest.importorskip("matplotlib")
    metric = Relevance(RelevanceParams())
    axes = metric.plot(metric.measure(Linear(data), data)).axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == sorted(heights, reverse=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "2", "3", "1"]
    assert (
        len({bar.get_facecolor() for bar in axes.patches[:2]} | {bar.get_facecolor() for bar in axes.patches[2:]}) == 2
    )
