"""The relevance of latents, end to end on models whose answer is known."""

import numpy as np
import pytest
import torch

from vaehub import Dataset, LatentModel, ModelParams, Network, Params, Posterior, VaehubError, generator
from vaehub.hub.refusals import refuse
from vaehub.plugins.ard.params import RelevanceParams
from vaehub.plugins.ard.relevance import ACTIVE, Relevance

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


class Curved(Linear):
    """Decodes to squares, so that the Jacobian depends on where it is taken."""

    def decode(self, z):
        return z.square()


@pytest.fixture
def data():
    x = torch.randn(500, 4, generator=generator(0, "x")) * torch.tensor([1.0, 1.0, 2.0, 0.1]) + 5
    return Dataset(x).with_validation(0.2, generator(0, "split"))


def measure(model, data, **params):
    metric = Relevance(RelevanceParams(**params))
    refuse(metric, model, data)
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
    gap = result.scalars.pop("gap")
    assert np.isnan(gap)
    assert set(result.scalars.items()) == {
        ("n_active", 0),
        ("n_active_98", 0),
        ("n_active_99_5", 0),
        ("is_collapsed", 1),
        ("n_samples", 100),
    }
    assert np.isnan(result.vectors["share"].values).all()


def test_the_same_seed_gives_the_same_bits(data):
    model = Linear(data)
    first, second = (measure(model, data, at="sample").vectors["relevance"].values for _ in range(2))
    assert np.array_equal(first, second)


def test_more_observations_than_there_are_take_all(data):
    every, some = (measure(Curved(data), data, n_samples=n) for n in (1000, 100))
    assert (every.scalars["n_samples"], some.scalars["n_samples"]) == (400, 100)
    x = data.split("train").x.double()
    np.testing.assert_allclose(every.vectors["weight"].values, (2 * x).square().mean(0), rtol=1e-5)
    assert not np.array_equal(some.vectors["weight"].values, every.vectors["weight"].values)
    assert measure(Curved(data), data, n_samples="all").vectors.keys() == every.vectors.keys()


def test_the_split_is_that_which_is_asked_for(data):
    for split, n in (("train", 400), ("validation", 100), ("all", 500)):
        found = measure(Curved(data), data, split=split, n_samples="all")
        x = data.split(split).x.double()
        assert found.scalars["n_samples"] == n
        np.testing.assert_allclose(found.vectors["weight"].values, (2 * x).square().mean(0), rtol=1e-5)
        np.testing.assert_allclose(found.vectors["variance"].values, x.var(0, correction=0) + np.exp(-2), rtol=1e-5)


def test_the_jacobian_is_taken_at_means_or_at_draws(data):
    x = data.split("train").x.double()
    found = measure(Curved(data), data, at="sample", n_samples="all").vectors["weight"].values
    # E (2 z)^2 = 4 (mu^2 + sigma^2), estimated from one draw of each posterior.
    np.testing.assert_allclose(found, 4 * (x.square().mean(0) + np.exp(-2)), rtol=0.02)
    assert not np.allclose(found, 4 * x.square().mean(0), rtol=1e-6)


def test_the_released_code_squares_the_mean_magnitude(data):
    found = measure(Curved(data), data, jacobian="abs_mean", n_samples="all").vectors["weight"].values
    np.testing.assert_allclose(found, (2 * data.split("train").x.double()).abs().mean(0).square(), rtol=1e-5)


def test_encoded_data_give_the_variance_of_a_learned_prior_too_where_that_is_asked_for(data):
    model = Linear(data, prior=torch.ones(4))
    found = measure(model, data, variance="encoded").vectors["variance"].values
    np.testing.assert_allclose(found, data.split("train").x.double().var(0, correction=0) + np.exp(-2.0), rtol=1e-6)
    assert measure(model, data, variance="prior").vectors["variance"].values.tolist() == [1.0] * 4


@pytest.mark.parametrize(("explained", "n"), [(0.5, 1), (0.99, 2), (0.999, 3), (1, 3)])
def test_the_share_decides_how_many_are_active(data, explained, n):
    assert measure(Linear(data), data, explained=explained).scalars["n_active"] == n


def test_a_prior_that_is_not_learned_is_refused(data):
    with pytest.raises(
        VaehubError, match="'relevance' needs a model with a learned prior, .* none; 'ard' has, and '-s"
    ):
        measure(Linear(data), data, variance="prior")


def test_a_model_without_decoder_is_refused(data):
    model = Linear(data)
    model.decodes = False
    with pytest.raises(VaehubError, match="metric 'relevance' needs a model with a decoder, and this one has none"):
        measure(model, data)


def test_the_plot_shows_every_latent_sorted_and_the_active_ones_in_colour(data):
    colors = pytest.importorskip("matplotlib.colors")
    metric = Relevance(RelevanceParams())
    result = metric.measure(Linear(data), data)
    axes = metric.plot(result).axes[0]
    labels = [int(label.get_text()) for label in axes.get_xticklabels()]
    assert labels == [0, 2, 3, 1]
    assert [bar.get_height() for bar in axes.patches] == result.vectors["relevance"].values[labels].tolist()
    drawn = [colors.same_color(bar.get_facecolor(), ACTIVE) for bar in axes.patches]
    assert drawn == [True, True, False, False] == (result.vectors["active"].values[labels] > 0).tolist()
    assert axes.get_title() == "2 of 4 latents are active"


def of_relevances(data, shares):
    """A model whose latents have the given relevances."""
    model = Linear(data, prior=torch.tensor(shares))
    model.decode = lambda z: z
    return model


def test_counts_at_three_cuts_and_the_gap_at_the_one_asked_for(data):
    result = measure(of_relevances(data, [0.9, 0.085, 0.009, 0.006]), data)
    assert [result.scalars[name] for name in ("n_active_98", "n_active", "n_active_99_5")] == [2, 3, 4]
    assert result.scalars["gap"] == pytest.approx(1.5, rel=1e-6)
    wider = measure(of_relevances(data, [0.9, 0.085, 0.009, 0.006]), data, explained=0.95)
    assert wider.scalars["n_active"] == 2
    assert wider.scalars["gap"] == pytest.approx(0.085 / 0.009, rel=1e-6)


def test_a_gap_is_infinite_before_latents_without_relevance_and_undefined_after_the_last(data):
    assert measure(Linear(data), data, explained=1.0).scalars["gap"] == np.inf
    assert np.isnan(measure(of_relevances(data, [0.25, 0.25, 0.25, 0.25]), data).scalars["gap"])


def test_a_cut_among_equal_latents_is_told(data, caplog):
    measure(of_relevances(data, [0.4, 0.3, 0.18, 0.12]), data, explained=0.6)
    assert not caplog.text
    measure(of_relevances(data, [0.4, 0.3, 0.28, 0.02]), data, explained=0.6)
    assert "latent 2 of 4 is 1.07 times as relevant as the next" in caplog.text
    assert "train for longer" in caplog.text


class Choosing(Linear):
    """Keeps its latents itself, whatever its decoder does with them."""

    @property
    def selected_latents(self):
        return torch.tensor([True, True, False, False])


def test_the_number_of_latents_that_a_model_keeps_itself_stands_beside_what_its_decoder_needs(data):
    # The decoder ignores the second latent, which is kept, and needs the third, which is not.
    scalars = measure(Choosing(data), data).scalars
    assert (scalars["n_selected"], scalars["n_active"]) == (2, measure(Linear(data), data).scalars["n_active"])
    none = type("None", (Choosing,), {"selected_latents": property(lambda self: torch.zeros(4, dtype=torch.bool))})
    assert measure(none(data), data).scalars["n_selected"] == 0


def test_a_model_that_chooses_no_latents_has_no_number_of_them(data):
    assert "n_selected" not in measure(Linear(data), data).scalars
