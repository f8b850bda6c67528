"""Which latents a decoder reacts to, in closed forms and against independent code."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaehub import Dataset, LatentModel, ModelParams, Network, Params, Posterior, WorkFailed, generator
from vaehub.plugins.ard.kernels import encoded_variance, is_relevant, latent_relevance, n_relevant, relevance_weights

EXACT = {"rtol": 1e-9, "atol": 1e-10}


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "ard.npz")


def from_jacobian(jacobian):
    """Return a decoder whose derivative at observation i is the i-th matrix; takes all observations at once."""
    matrices = torch.as_tensor(jacobian)
    return lambda z: torch.einsum("nkl,nl->nk", matrices, z)


def test_weights_are_the_printed_formula(oracle):
    decode, n = from_jacobian(oracle["jacobian"]), len(oracle["jacobian"])
    found = relevance_weights(decode, np.zeros((n, 7)), at_once=n * 7)
    np.testing.assert_allclose(found, oracle["w_eq19"], **EXACT)


def test_weights_of_mean_magnitudes_are_those_of_the_released_code(oracle):
    decode, n = from_jacobian(oracle["jacobian"]), len(oracle["jacobian"])
    found = relevance_weights(decode, np.zeros((n, 7)), average="abs_mean", at_once=n * 7)
    np.testing.assert_allclose(found, oracle["w_reference"], **EXACT)
    np.testing.assert_allclose(found * oracle["est_var"], oracle["score_reference"], **EXACT)


def test_number_of_relevant_latents_is_that_of_the_released_code(oracle):
    assert n_relevant(oracle["score_reference"]) == oracle["n_relevant_reference"]


def test_weights_of_a_linear_decoder_are_squared_column_norms(rng):
    matrix = torch.as_tensor(rng.normal(size=(9, 4)))
    found = relevance_weights(lambda z: z @ matrix.T, rng.normal(size=(5, 4)))
    np.testing.assert_allclose(found, (matrix**2).sum(0), **EXACT)


def curved(z):
    """Return a decoder's output that is curved in every latent."""
    return torch.stack([torch.sin(z[:, 0] * z[:, 1]), z[:, 1] ** 2, torch.exp(0.3 * z[:, 2])], dim=1)


def test_weights_agree_with_reverse_mode_one_observation_at_a_time(rng):
    z = torch.as_tensor(rng.normal(size=(12, 3)))
    jacobians = [torch.autograd.functional.jacobian(lambda one: curved(one[None])[0], row) for row in z]
    expected = torch.stack(jacobians).square().mean(0).sum(0)
    torch.testing.assert_close(relevance_weights(curved, z), expected)


@pytest.mark.parametrize("average", ["mean_square", "abs_mean"])
def test_chunks_change_no_weight(rng, average):
    z = rng.normal(size=(11, 3))
    whole = relevance_weights(curved, z, average=average, at_once=1000)
    np.testing.assert_allclose(relevance_weights(curved, z, average=average, at_once=1), whole, rtol=1e-12)


@pytest.mark.parametrize(("at_once", "passes", "blocks"), [(2, 8, 4), (3, 4, 4), (6, 2, 2), (100, 1, 1)])
def test_no_more_derivatives_are_computed_together_than_asked(rng, at_once, passes, blocks):
    sizes = []

    def decode(z):
        sizes.append(len(z))
        return curved(z)

    relevance_weights(decode, rng.normal(size=(4, 3)), at_once=at_once)
    # Each block is held against a difference of two decodes, and one more gives the size of what is decoded.
    assert len(sizes) == passes + 2 * blocks + 1
    assert all(size * min(3, at_once) <= at_once for size in sizes)


def test_mean_magnitudes_never_give_a_larger_weight(rng):
    z = rng.normal(size=(30, 3))
    assert (relevance_weights(curved, z, average="abs_mean") <= relevance_weights(curved, z) + 1e-12).all()


def test_a_latent_that_the_decoder_ignores_has_no_weight(rng):
    assert relevance_weights(lambda z: z[:, :1] * 2, rng.normal(size=(4, 3))).tolist() == [4.0, 0.0, 0.0]


def test_relevance_ignores_the_scale_of_a_latent(rng):
    z, scale = rng.normal(size=(40, 3)), np.array([1.0, 10.0, 0.01])
    variance = z.var(axis=0)
    rescaled = relevance_weights(lambda y: curved(y / torch.as_tensor(scale)), z * scale) * variance * scale**2
    np.testing.assert_allclose(rescaled, relevance_weights(curved, z) * variance, rtol=1e-9)


def test_weights_without_observations_are_undefined():
    assert relevance_weights(curved, torch.zeros(0, 3)).isnan().all()


def test_equal_scores_are_all_relevant():
    assert n_relevant(np.full(10, 0.3)) == 10
    # 99 of 100 reach exactly 99 %, which is not more than 99 %.
    assert n_relevant(np.ones(100)) == 100


def test_one_dominant_score_is_enough():
    assert n_relevant(np.array([1e-6, 5.0, 1e-6])) == 1


def test_nothing_is_relevant_when_all_scores_are_zero():
    assert n_relevant(np.zeros(4)) == 0


def test_explaining_everything_counts_whatever_is_not_zero():
    assert n_relevant(np.array([1.0, 1e-9, 0.0]), explained=1.0) == 2


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1e6)), st.floats(0.01, 0.999))
def test_the_relevant_latents_explain_the_share_and_one_less_does_not(scores, explained):
    k, ordered = n_relevant(scores, explained), np.sort(scores)[::-1]
    total = ordered.sum()
    if total == 0:
        assert k == 0
    else:
        assert ordered[:k].sum() / total >= explained - 1e-9
        assert ordered[: k - 1].sum() / total <= explained + 1e-9


@given(arrays(float, 6, elements=st.floats(0, 100)), st.permutations(range(6)))
def test_the_number_of_relevant_latents_ignores_their_order(scores, order):
    assert n_relevant(scores) == n_relevant(scores[list(order)])


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_scores_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        n_relevant(np.array([1.0, bad]))


def test_the_relevant_latents_are_the_fewest_that_exceed_the_share():
    assert is_relevant(torch.tensor([1.0, 98.0, 1.0]), 0.98).tolist() == [True, True, False]
    assert is_relevant(torch.tensor([0.5, 99.0, 0.5]), 0.98).tolist() == [False, True, False]
    assert is_relevant(torch.tensor([1.0, 0.0, 2.0]), 1.0).tolist() == [True, False, True]
    assert is_relevant(torch.ones(10), 0.99).all()
    assert not is_relevant(torch.zeros(4), 0.99).any()


class Linear(LatentModel):
    """Encodes to scaled copies of three values, and decodes by a matrix."""

    def __init__(self, data, matrix, *, logvar=None, prior_variance=None):
        super().__init__(ModelParams(latent_dim=3), Network(Params(), data.spec, 3, 2), data.spec)
        self.matrix, self.logvar, self.prior_variance = torch.tensor(matrix), logvar, prior_variance

    @property
    def learned_prior_variance(self):
        return self.prior_variance

    def encode(self, batch):
        mu = batch.x * torch.tensor([1.0, 2.0, 0.0]) + torch.tensor([0.0, 0.0, 4.0])
        return Posterior(mu, None if self.logvar is None else torch.tensor(self.logvar).expand_as(mu))

    def decode(self, z):
        return z @ self.matrix

    def loss(self, batch, step):
        raise AssertionError("nothing learns here")

    def prior_sample(self, n, generator):
        raise AssertionError("nothing is drawn here")


MATRIX = [[1.0, 2.0, 2.0], [0.5, 0.0, 0.0], [0.0, 3.0, 0.0]]


@pytest.fixture
def standard():
    """Return observations of three values, each of mean 0 and variance 1."""
    x = torch.randn(500, 3, generator=generator(0, "x"), dtype=torch.float64)
    return Dataset(((x - x.mean(0)) / x.std(0, correction=0)).float())


def test_encoded_variance_is_that_of_the_means_and_of_the_noise_together(standard):
    assert encoded_variance(Linear(standard, MATRIX), standard).tolist() == pytest.approx([1, 4, 0], abs=1e-5)
    noisy = Linear(standard, MATRIX, logvar=[0.0, math.log(2), -50.0])
    assert encoded_variance(noisy, standard).tolist() == pytest.approx([2, 6, 0], abs=1e-5)
    assert encoded_variance(noisy, standard, about_zero=True).tolist() == pytest.approx([2, 6, 16], abs=1e-5)


def test_relevance_is_the_weight_times_the_variance_of_the_prior_where_it_is_learned(standard):
    scores = latent_relevance(Linear(standard, MATRIX), standard, 20, generator(0, "rows"))
    assert scores.tolist() == pytest.approx([9, 1, 0], abs=1e-4)
    assert is_relevant(scores).tolist() == [True, True, False]
    learned = Linear(standard, MATRIX, prior_variance=torch.tensor([1.0, 0.0, 2.0]))
    assert latent_relevance(learned, standard, 20, generator(0, "rows")).tolist() == pytest.approx([9, 0, 18], abs=1e-4)


def test_relevance_of_a_decoder_that_overflows_is_refused(standard):
    with pytest.raises(WorkFailed, match="the relevance of a latent is NaN or infinite"):
        latent_relevance(Linear(standard, [[math.inf] * 3] * 3), standard, 20, generator(0, "rows"))
