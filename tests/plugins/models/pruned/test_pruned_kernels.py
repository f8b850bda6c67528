"""Gates, masks, multipliers and penalties as formulas."""

import itertools
import math

import numpy as np
import pytest
import torch

from vaehub import generator
from vaehub.plugins.models.pruned.kernels import (
    FASTEST_CHANGE,
    MULTIPLIER_RANGE,
    arm_gradient,
    doubling_interval,
    gates_of,
    gradient_penalty,
    kl_per_latent,
    mask_of,
    masked_spread,
    next_multiplier,
    polarisation,
    polarisation_weight,
    relative_violation,
    steps_to_move,
)

LOGITS = np.array([0.7, -1.2, 0.1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cost(gates):
    """A quadratic in three gates."""
    mixed = np.array([[1.0, 2.0, -1.0], [0.0, -3.0, 0.5], [0.0, 0.0, 2.0]])
    return np.einsum("...i,ij,...j", gates, mixed, gates) + gates @ np.array([0.3, 1.0, -2.0])


def exact_gradient():
    """The derivative of the expected cost with respect to the logits, by enumeration of all gates."""
    total, p = np.zeros(3), sigmoid(LOGITS)
    for gates in itertools.product((0.0, 1.0), repeat=3):
        gates = np.array(gates)
        probability = np.prod(np.where(gates == 1, p, 1 - p))
        total += probability * (gates - p) * cost(gates)  # the derivative of log p(gates) is gates - p
    return total


def test_the_estimate_is_unbiased(rng):
    draws = []
    for u in rng.random(size=(20_000, 3)):
        first, second = gates_of(u, LOGITS)
        draws.append(arm_gradient(cost(first), cost(second), u))
    errors = np.std(draws, axis=0) / math.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - exact_gradient()) < 4 * errors).all()


def test_both_draws_are_open_with_their_probability(rng):
    u = rng.random(size=(40_000, 3))
    p = sigmoid(LOGITS)
    for gates in gates_of(u, LOGITS):
        assert set(np.unique(gates)) == {0.0, 1.0}
        assert (np.abs(gates.mean(axis=0) - p) < 4 * np.sqrt(p * (1 - p) / len(u))).all()


def test_gates_that_are_almost_certain_give_no_gradient(rng):
    u = rng.uniform(0.01, 0.99, size=3)
    first, second = gates_of(u, np.full(3, 40.0))
    assert (first == 1).all()
    assert (arm_gradient(cost(first), cost(second), u) == 0).all()


def test_divergence_of_each_latent_is_zero_at_the_prior_and_half_a_square_beside_it():
    mu = np.array([[0.0, 2.0], [0.0, 4.0]])
    np.testing.assert_allclose(kl_per_latent(mu, np.zeros((2, 2))), [0.0, 5.0])


@pytest.mark.parametrize("violation", [-2.0, 0.0, 3.0])
def test_a_multiplier_follows_the_formula_within_its_bounds(violation):
    found = next_multiplier(torch.tensor(5.0), torch.tensor(violation), 1e-3)
    assert float(found) == pytest.approx(5 * math.exp(1e-3 * violation), rel=1e-6)


@pytest.mark.parametrize(("start", "violation"), [(1.0, 1e30), (1.0, -1e30)])
def test_a_multiplier_changes_by_no_more_than_its_fastest_change(start, violation):
    found = next_multiplier(torch.tensor(start), torch.tensor(violation), 1e6)
    assert float(found) == pytest.approx(math.exp(math.copysign(FASTEST_CHANGE, violation)), rel=1e-6)


def test_a_multiplier_stays_in_its_range():
    low, high = MULTIPLIER_RANGE
    assert float(next_multiplier(torch.tensor(high), torch.tensor(9.0), 1.0)) == pytest.approx(high)
    assert float(next_multiplier(torch.tensor(low), torch.tensor(-9.0), 1.0)) == pytest.approx(low)


def test_a_mask_is_zero_without_weight_and_one_in_the_limit():
    np.testing.assert_allclose(mask_of(np.array([0.0, math.log(2), 50.0])), [0, 0.5, 1])


def test_polarisation_is_zero_for_a_binary_mask_and_largest_halfway():
    assert polarisation(np.array([0.0, 1.0, 1.0])) == 0
    assert polarisation(np.array([0.5, 0.5, 0.0])) == pytest.approx(0.5)


def test_the_weight_of_polarisation_doubles_until_it_reaches_its_limit():
    found = [polarisation_weight(step, 4, 10) for step in (0, 9, 10, 20, 119, 120, 130, 10**9)]
    assert found == [0.5, 0.5, 1.0, 2.0, 1024.0, 2048.0, 2048.0, 2048.0]
    assert polarisation_weight(160, 48, 10) == 2048.0  # the sixteenth doubling of 1/24 is beyond it


def test_the_weight_of_polarisation_doubles_every_300_steps_for_few_latents_and_at_most_every_40000():
    found = [doubling_interval(latent_dim) for latent_dim in (1, 20, 21, 48, 64, 88, 89, 512)]
    # floor(112.5 * 21) is 2362.
    assert found == [300, 300, 4 * 2362, 4 * 5400, 4 * 7200, 4 * 9900, 40_000, 40_000]


@pytest.mark.parametrize(("distance", "slow_after"), [(2.0, 10**9), (2.0, 30), (9.0, 30), (60.0, 5000), (60.0, 200)])
def test_the_steps_to_move_a_distance_are_those_of_rmsprop(distance, slow_after):
    weight = torch.nn.Parameter(torch.tensor(distance, dtype=torch.float64))
    optimiser = torch.optim.RMSprop([weight], lr=0.01)
    n_steps = 0
    while weight > 0:
        if n_steps == slow_after:
            optimiser.param_groups[0]["lr"] /= 4
        weight.grad = torch.ones_like(weight)
        optimiser.step()
        n_steps += 1
    assert steps_to_move(distance, 0.01, slow_after, 4.0) == pytest.approx(n_steps, abs=1)  # it adds 1e-8 to the root


def test_nothing_has_to_be_moved_in_no_steps_and_the_least_distance_in_one():
    assert steps_to_move(0.0, 0.1, 5, 2.0) == 0
    assert steps_to_move(1e-9, 0.1, 5, 2.0) == 1


def test_spread_counts_masked_latents_in_full_and_others_hardly(rng):
    z = rng.normal(size=(50, 2))
    variances = z.var(axis=0)
    assert masked_spread(z, np.zeros(2)) == pytest.approx(variances.mean())
    expected = (variances * np.exp([-10.0, -2.5])).mean()
    assert masked_spread(z + 7, np.array([1.0, 0.5])) == pytest.approx(expected)
    assert masked_spread(z[:1], np.zeros(2)) == 0


def test_a_critic_of_unit_gradient_has_no_penalty(rng):
    direction = torch.tensor([[0.6], [0.8]], dtype=torch.float64)
    real, fake = (torch.tensor(rng.normal(size=(30, 2))) for _ in range(2))
    assert float(gradient_penalty(lambda z: z @ direction, real, fake, generator(0))) == pytest.approx(0, abs=1e-25)
    assert float(gradient_penalty(lambda z: 3 * z @ direction, real, fake, generator(0))) == pytest.approx(4)


def test_a_gradient_penalty_teaches_the_critic(rng):
    critic = torch.nn.Linear(2, 1, dtype=torch.float64)
    real, fake = (torch.tensor(rng.normal(size=(30, 2))) for _ in range(2))
    gradient_penalty(critic, real, fake, generator(0)).backward()
    weight = critic.weight.detach()
    # The derivative of (|w| - 1)^2.
    torch.testing.assert_close(critic.weight.grad, 2 * (weight.norm() - 1) * weight / weight.norm())


def test_a_violation_counts_in_tenths_of_the_bound_and_at_most_1():
    violation = torch.tensor([-50.0, -0.5, 0.0, 0.1, 30.0])
    assert relative_violation(violation, 10.0).tolist() == pytest.approx([-1, -0.5, 0, 0.1, 1])
    assert relative_violation(violation, -10.0).tolist() == pytest.approx([-1, -0.5, 0, 0.1, 1])
    assert relative_violation(violation, 0.0).tolist() == [-1, -1, 0, 1, 1]
