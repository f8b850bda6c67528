"""What each latent contributes to the error that sampling adds, in cases that can be worked out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import generator as stream
from vaehub.plugins.intervention import kernels
from vaehub.plugins.intervention.kernels import (
    by_ratio,
    contribution_ratios,
    errors_at_mean,
    from_errors,
    greedy_contributions,
    growing_sets,
    intervention_errors,
    kept_shares,
    removed_shares,
    squared_error,
)


def some(*shape, seed=0):
    return torch.randn(*shape, generator=stream(seed, "some"), dtype=torch.float64)


def linear(d=4, m=9, n=300, seed=0):
    """A decoder W z, posteriors, and observations that the means reconstruct exactly."""
    weights = some(m, d, seed=seed)
    mu, sigma = some(n, d, seed=seed + 1), 0.1 + some(n, d, seed=seed + 2).abs()
    return lambda z: z @ weights.mT, mu, sigma, some(n, d, seed=seed + 3), mu @ weights.mT, weights


def test_each_error_is_that_of_one_latent_vector():
    decode, mu, sigma, eps, x, _ = linear(n=5)
    x = x + 0.3
    found = intervention_errors(lambda z: decode(z).tanh(), mu, sigma, eps, x)
    for i in range(5):
        z = mu[i] + sigma[i] * eps[i]
        for place, latents in enumerate([z, mu[i], *(z.where(torch.arange(4) != j, mu[i]) for j in range(4))]):
            expected = (decode(latents[None]).tanh()[0] - x[i]).square().mean()
            torch.testing.assert_close(found[i, place], expected)


def test_a_linear_decoder_shares_the_error_by_squared_weight_and_variance():
    """In expectation R_i = |w_i|^2 s_i / sum_k |w_k|^2 s_k."""
    decode, mu, _, eps, x, weights = linear(n=200_000)
    sigma = torch.tensor([0.2, 0.5, 1.0, 0.0], dtype=torch.float64).expand_as(mu)
    found = contribution_ratios(decode, mu, sigma, eps, x)
    share = weights.square().sum(dim=0) * sigma[0].square()
    torch.testing.assert_close(found.ratios, share / share.sum(), rtol=0.02, atol=0.01)
    assert float(found.ratios[3]) == 0
    assert float(found.mean_error) == pytest.approx(0, abs=1e-20)


@given(st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_where_latents_write_to_values_of_their_own_ratios_add_up_to_one(seed):
    mu, sigma, eps = some(20, 3, seed=seed), some(20, 3, seed=seed + 1).abs(), some(20, 3, seed=seed + 2)
    decode = lambda z: torch.cat([z.sin(), z.square(), z], dim=1)  # noqa: E731 each value depends on one latent
    found = contribution_ratios(decode, mu, sigma, eps, decode(mu))
    assert float(found.ratios.sum()) == pytest.approx(1)


def test_a_latent_that_the_decoder_ignores_contributes_nothing():
    decode, mu, sigma, eps, _, weights = linear()
    weights[:, 2] = 0
    found = contribution_ratios(decode, mu, sigma, eps, mu @ weights.mT)
    assert float(found.contributions[2]) == pytest.approx(0, abs=1e-15)


def test_without_variance_sampling_adds_nothing_and_ratios_are_undefined():
    decode, mu, sigma, eps, x, _ = linear()
    found = contribution_ratios(decode, mu, 0 * sigma, eps, x + 1)
    assert float(found.base) == 0
    assert bool(found.ratios.isnan().all())


def test_a_sample_that_is_better_than_the_mean_has_a_negative_base_that_is_not_hidden():
    found = from_errors(torch.tensor([1.0, 2.0, 1.5, 1.25]))
    assert float(found.base) == -1
    assert found.ratios.tolist() == [0.5, 0.25]


def test_fresh_noise_is_used_for_interventions_alone():
    decode, mu, sigma, eps, x, _ = linear(n=6)
    own = some(6, 4, 4, seed=9)
    found = intervention_errors(decode, mu, sigma, eps, x, own)
    shared = intervention_errors(decode, mu, sigma, eps, x)
    assert torch.equal(found[:, :2], shared[:, :2])
    z = (mu[1] + sigma[1] * own[1, 2]).where(torch.arange(4) != 2, mu[1])
    torch.testing.assert_close(found[1, 4], (decode(z) - x[1]).square().mean())


def test_chunks_of_any_size_give_the_same(monkeypatch):
    decode, mu, sigma, eps, x, _ = linear(n=13)
    whole = intervention_errors(decode, mu, sigma, eps, x)
    monkeypatch.setattr(kernels, "VALUES_AT_ONCE", 150)
    torch.testing.assert_close(intervention_errors(decode, mu, sigma, eps, x), whole)


def test_images_and_vectors_are_averaged_over_their_values():
    decode, mu, sigma, eps, x, _ = linear(n=7)
    flat = intervention_errors(decode, mu, sigma, eps, x)
    as_images = intervention_errors(lambda z: decode(z).reshape(-1, 1, 3, 3), mu, sigma, eps, x.reshape(-1, 1, 3, 3))
    torch.testing.assert_close(as_images, flat)


def test_arrays_and_decoders_of_arrays_are_taken_as_well():
    decode, mu, sigma, eps, x, weights = linear(n=7)
    arrays = [each.numpy() for each in (mu, sigma, eps, x)]
    *_, ratios = contribution_ratios(lambda z: np.asarray(z) @ weights.numpy().T, *arrays)
    assert isinstance(ratios, np.ndarray)
    assert ratios == pytest.approx(contribution_ratios(decode, mu, sigma, eps, x).ratios.numpy())


def test_another_error_takes_the_place_of_the_squared_one():
    decode, mu, sigma, eps, x, _ = linear(n=7)
    twice = lambda reconstruction, x: 2 * squared_error(reconstruction, x)  # noqa: E731
    once, found = (contribution_ratios(decode, mu, sigma, eps, x, error=each) for each in (squared_error, twice))
    torch.testing.assert_close(found.contributions, 2 * once.contributions)
    torch.testing.assert_close(found.ratios, once.ratios)


def test_any_set_of_latents_can_be_at_its_mean():
    decode, mu, sigma, eps, x, _ = linear(n=5)
    z, is_set = mu + sigma * eps, torch.tensor([[True, False, True, False], [False, True, True, True]])
    found = errors_at_mean(decode, mu, z[:, None], x, is_set)
    for place, latents in enumerate(is_set):
        expected = (decode(torch.where(latents, mu, z)) - x).square().mean(dim=1)
        torch.testing.assert_close(found[:, place], expected)


def test_latents_that_do_not_interact_are_set_in_the_order_of_their_contributions():
    worth = torch.tensor([0.5, 3.0, 0.0, 1.5], dtype=torch.float64)
    found = greedy_contributions(lambda is_set: 10 - is_set.double() @ worth, 4)
    assert found.order.tolist() == [1, 3, 0, 2]
    assert found.errors.tolist() == [10, 7, 5.5, 5, 5]
    torch.testing.assert_close(found.contributions, worth)
    torch.testing.assert_close(found.shares, torch.tensor([0, 0.6, 0.9, 1, 1], dtype=torch.float64))


def test_what_a_latent_takes_off_depends_on_those_that_are_set_already():
    """Latents 0 and 1 say the same, so that either alone takes off little less than both: then comes 2."""

    def errors_of(is_set):
        one, other, third = is_set.double().unbind(dim=1)
        return 10 - 5 * torch.maximum(one, 0.9 * other) - 2 * third

    found = greedy_contributions(errors_of, 3)
    assert found.order.tolist() == [0, 2, 1]
    assert found.contributions.tolist() == [5, 0, 2]


def test_joint_contributions_add_up_to_what_sampling_adds_whatever_the_decoder():
    mu, sigma, eps, mix = some(60, 5), some(60, 5, seed=1).abs(), some(60, 5, seed=2), some(5, 9, seed=3)
    decode = lambda z: (z @ mix).sin()  # noqa: E731 all latents interact
    x, z = decode(mu), (mu + sigma * eps)[:, None]
    found = greedy_contributions(lambda is_set: errors_at_mean(decode, mu, z, x, is_set).mean(dim=0), 5)
    single = contribution_ratios(decode, mu, sigma, eps, x)
    assert sorted(found.order.tolist()) == list(range(5))
    assert float(found.contributions.sum()) == pytest.approx(float(single.base))
    assert int(found.order[0]) == int(single.contributions.argmax())
    assert float(found.shares[-1]) == 1


def test_shares_are_undefined_where_sampling_adds_nothing():
    found = greedy_contributions(lambda is_set: torch.ones(len(is_set), dtype=torch.float64), 3)
    assert bool(found.shares.isnan().all())
    assert found.contributions.tolist() == [0, 0, 0]


def test_growing_sets_hold_the_first_latents_of_the_order():
    found = growing_sets(torch.tensor([2, 0, 1]))
    assert [row.nonzero().flatten().tolist() for row in found] == [[], [2], [0, 2], [0, 1, 2]]


def test_latents_go_from_the_greatest_ratio_down_also_where_samples_are_better():
    assert by_ratio(from_errors(torch.tensor([2.0, 1.0, 1.8, 1.5, 1.8]))).tolist() == [1, 0, 2]
    # Sampling lowers the error by 1, and latent 2 is the one whose noise lowers it.
    assert by_ratio(from_errors(torch.tensor([1.0, 2.0, 1.1, 1.0, 1.9]))).tolist() == [2, 0, 1]
    # Without a base there are no ratios, and contributions are -0.1, 0 and 0.1.
    assert by_ratio(from_errors(torch.tensor([1.0, 1.0, 1.1, 1.0, 0.9]))).tolist() == [2, 1, 0]


def test_shares_are_of_what_sampling_adds_and_of_what_there_was_to_lose():
    assert removed_shares(torch.tensor([3.0, 1.5, 1.0])).tolist() == [0, 0.75, 1]
    assert bool(removed_shares(torch.ones(3)).isnan().all())
    assert kept_shares(torch.tensor([0.5, 0.25, 0.0])).tolist() == [1, 0.5, 0]
    assert bool(kept_shares(torch.tensor([1e-12, 0.25])).isnan().all())
