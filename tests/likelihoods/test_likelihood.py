"""Likelihoods and draws."""

import math

import pytest
import torch
from torch import distributions

from vaehub import DataSpec, LikelihoodParams, VaehubError, gaussian_sample, generator
from vaehub import likelihood as of_params

UNIT, FREE = DataSpec((2, 3), True), DataSpec((6,), False)


def likelihood(name, spec, **more):
    return of_params(LikelihoodParams(likelihood=name, **more), spec)


def some(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed, "some"), dtype=torch.float64)


def test_bernoulli_is_the_cross_entropy_of_each_observation():
    logits, x = 3 * some(4, 2, 3), some(4, 2, 3, seed=1).sigmoid()
    p = logits.sigmoid()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).sum(dim=(1, 2))
    torch.testing.assert_close(likelihood("bernoulli", UNIT).reconstruction(logits, x), expected)


def test_bernoulli_of_binary_values_is_the_negative_log_probability():
    logits, x = some(4, 2, 3), (some(4, 2, 3, seed=1) > 0).double()
    expected = -distributions.Bernoulli(logits=logits).log_prob(x).sum(dim=(1, 2))
    torch.testing.assert_close(likelihood("bernoulli", UNIT).reconstruction(logits, x), expected)


def test_bernoulli_stays_finite_for_certain_mistakes():
    found = likelihood("bernoulli", UNIT).reconstruction(torch.full((1, 2, 3), 1e4), torch.zeros(1, 2, 3))
    assert float(found) == 6e4


@pytest.mark.parametrize("spec", [UNIT, FREE])
def test_squared_error_and_its_constant_are_a_gaussian_of_variance_one_half(spec):
    output, x = some(4, *spec.shape), some(4, *spec.shape, seed=1).sigmoid()
    found = likelihood("squared_error", spec)
    normal = distributions.Normal(found.mean(output), math.sqrt(0.5))
    expected = -normal.log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(found.reconstruction(output, x) + found.omitted, expected)


def test_means_lie_where_the_data_lie():
    output = 10 * some(5, 2, 3)
    assert bool((likelihood("squared_error", UNIT).mean(output) <= 1).all())
    assert torch.equal(likelihood("squared_error", FREE).mean(output), output)


def test_bernoulli_needs_data_in_the_unit_interval():
    with pytest.raises(
        VaehubError, match=r"needs data in \[0, 1\], and these are not; use '-s model.likelihood=squared_e"
    ):
        likelihood("bernoulli", FREE)


def test_draws_have_the_moments_of_their_gaussian():
    mu, logvar = torch.full((100_000, 1), 2.0), torch.full((100_000, 1), math.log(9.0))
    z = gaussian_sample(mu, logvar, generator(0))
    # Four standard errors.
    assert float(z.mean()) == pytest.approx(2.0, abs=4 * 3 / math.sqrt(100_000))
    assert float(z.var()) == pytest.approx(9.0, abs=4 * 9 * math.sqrt(2 / 100_000))


def test_draws_are_differentiable_and_reproducible():
    mu = torch.zeros(3, 2, requires_grad=True)
    first, second = (gaussian_sample(mu, torch.zeros(3, 2), generator(1)) for _ in range(2))
    first.sum().backward()
    assert torch.equal(mu.grad, torch.ones(3, 2))
    assert torch.equal(first, second)


def test_bernoulli_of_grey_values_is_least_where_the_mean_is_the_observation():
    x = some(4, 2, 3, seed=1).sigmoid()
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).sum(dim=(1, 2))
    bernoulli = likelihood("bernoulli", UNIT)
    torch.testing.assert_close(bernoulli.reconstruction(x.logit(), x), entropy)
    assert bool((bernoulli.reconstruction(x.logit() + some(4, 2, 3), x) > entropy).all())


def test_bernoulli_omits_nothing():
    assert likelihood("bernoulli", UNIT).omitted == 0


@pytest.mark.parametrize("logit", [-200.0, -1.0, 0.0, 1.0, 200.0])
def test_bernoulli_pulls_towards_the_observation_however_wrong_it_is(logit):
    output = torch.full((1, 2, 3), logit, dtype=torch.float64, requires_grad=True)
    likelihood("bernoulli", UNIT).reconstruction(output, torch.full((1, 2, 3), 0.25, dtype=torch.float64)).backward()
    # The derivative of the cross-entropy with respect to the logit.
    torch.testing.assert_close(output.grad, output.detach().sigmoid() - 0.25)


def test_one_wrong_observation_costs_no_other():
    x = torch.zeros(3, 6, dtype=torch.float64)
    output = x.clone()
    output[1] = 2.0
    assert likelihood("squared_error", FREE).reconstruction(output, x).tolist() == [0.0, 24.0, 0.0]


def test_each_latent_is_drawn_from_its_own_gaussian():
    n, mu, sigma = 50_000, torch.tensor([-3.0, 0.0, 5.0]), torch.tensor([0.1, 1.0, 4.0])
    z = gaussian_sample(mu.expand(n, 3), (2 * sigma.log()).expand(n, 3), generator(0)).double()
    standardised = (z - mu) / sigma
    # Five standard errors each.
    torch.testing.assert_close(standardised.mean(0), torch.zeros(3).double(), rtol=0, atol=5 / math.sqrt(n))
    torch.testing.assert_close(torch.cov(standardised.T), torch.eye(3).double(), rtol=0, atol=5 * math.sqrt(2 / n))


def test_a_posterior_without_variance_is_drawn_at_its_mean():
    mu = some(4, 2)
    assert torch.equal(gaussian_sample(mu, torch.full_like(mu, -math.inf), generator(0)), mu)


def test_draws_follow_the_variance_by_half_their_distance_from_the_mean():
    mu, logvar = some(4, 2), some(4, 2, seed=1).requires_grad_()
    z = gaussian_sample(mu, logvar, generator(0))
    z.sum().backward()
    # dz/dlogvar of mu + noise exp(logvar/2).
    torch.testing.assert_close(logvar.grad, 0.5 * (z.detach() - mu))


def test_another_stream_gives_other_draws():
    mu = torch.zeros(3, 2)
    assert not torch.equal(gaussian_sample(mu, mu, generator(1)), gaussian_sample(mu, mu, generator(2)))


@pytest.mark.parametrize("spec", [UNIT, FREE])
@pytest.mark.parametrize("variance", [0.25, 3.0])
def test_a_gaussian_of_fixed_variance_is_the_negative_log_density(spec, variance):
    output, x = some(4, *spec.shape), some(4, *spec.shape, seed=1).sigmoid()
    found = likelihood("gaussian", spec, decoder_variance=variance)
    normal = distributions.Normal(found.mean(output), math.sqrt(variance))
    expected = -normal.log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(found.reconstruction(output, x), expected, rtol=1e-6, atol=1e-6)
    assert found.omitted == 0
    assert not list(found.parameters())


def test_a_squared_error_is_a_gaussian_of_variance_one_half_up_to_its_constant():
    output, x = some(4, 6), some(4, 6, seed=1)
    squared, gaussian = likelihood("squared_error", FREE), likelihood("gaussian", FREE, decoder_variance=0.5)
    expected = gaussian.reconstruction(output, x)
    torch.testing.assert_close(squared.reconstruction(output, x) + squared.omitted, expected, rtol=1e-6, atol=1e-6)


def test_a_learned_variance_starts_at_one_and_learns_the_mean_squared_error():
    found = likelihood("gaussian", FREE, decoder_variance="learned").double()
    assert float(found.log_variance.detach()) == 0
    output, x = some(50, 6), 0.3 * some(50, 6, seed=1)
    optimiser = torch.optim.Adam(found.parameters(), lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        found.reconstruction(output, x).mean().backward()
        optimiser.step()
    assert float(found.log_variance.detach().exp()) == pytest.approx(float((output - x).square().mean()), rel=1e-3)


@pytest.mark.parametrize("variance", [0.0, -1.0, "free"])
def test_a_variance_is_positive_or_learned(variance):
    with pytest.raises(ValueError, match="decoder_variance"):
        LikelihoodParams(decoder_variance=variance)
