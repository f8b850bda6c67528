"""How far ratios can be relied on."""

import numpy as np
import pytest
import torch

from vaehub import generator as stream
from vaehub.plugins.intervention import bootstrap
from vaehub.plugins.intervention.bootstrap import ratio_intervals, ratio_quartiles
from vaehub.plugins.intervention.kernels import from_errors

RATIOS = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)


def errors_of(n, seed=0, noise=1.0):
    """Return errors of observations whose expected ratios are the above: contributions vary, and so does the base."""
    random = stream(seed, "errors")
    mean = 5 + torch.rand(n, 1, generator=random, dtype=torch.float64)
    parts = RATIOS * (1 + noise * torch.randn(n, 4, generator=random, dtype=torch.float64))
    sample = mean + parts.sum(dim=1, keepdim=True)
    return torch.cat([sample, mean, sample - parts], dim=1)


def interval(errors, n=500, confidence=0.95, seed=1):
    return ratio_intervals(errors, n, confidence, stream(seed, "bootstrap"))


def test_ends_are_percentiles_of_ratios_of_resampled_means():
    errors = errors_of(30)
    drawn = torch.randint(30, (200, 30), generator=stream(1, "bootstrap"))
    expected = np.percentile([from_errors(errors[rows].mean(dim=0)).ratios.numpy() for rows in drawn], [5, 95], axis=0)
    low, high, _ = interval(errors, n=200, confidence=0.9)
    assert low.numpy() == pytest.approx(expected[0])
    assert high.numpy() == pytest.approx(expected[1])


def test_about_as_many_intervals_hold_the_truth_as_they_promise():
    held = [
        ((low <= RATIOS) & (high >= RATIOS))[:3] for low, high, _ in (interval(errors_of(200, s)) for s in range(100))
    ]
    # 300 intervals, 3 each of one set: the share has a standard error of 0.022 at most if those three go together.
    assert 0.88 < float(torch.stack(held).double().mean()) <= 1


def test_a_greater_confidence_makes_an_interval_longer_and_more_observations_a_shorter_one():
    few, many, wide = interval(errors_of(100)), interval(errors_of(10_000)), interval(errors_of(100), confidence=0.99)
    assert bool((wide[0] <= few[0]).all() & (wide[1] >= few[1]).all())
    assert float((many[1] - many[0])[0]) == pytest.approx(float((few[1] - few[0])[0]) / 10, rel=0.5)


def test_errors_without_spread_have_intervals_without_length():
    low, high, negative = interval(errors_of(20, noise=0))
    torch.testing.assert_close(low, RATIOS)
    torch.testing.assert_close(high, RATIOS)
    assert negative == 0


def test_a_base_that_may_as_well_be_negative_shows():
    errors = errors_of(100)
    errors[:, 0] = errors[:, 1] + torch.randn(100, generator=stream(3, "base"), dtype=torch.float64)
    assert 0.01 < interval(errors)[2] < 0.99


def test_one_observation_and_an_undefined_ratio_have_no_interval():
    low, high, negative = interval(errors_of(1))
    assert torch.cat([low, high]).isnan().all()
    assert np.isnan(negative)
    low, high, negative = interval(torch.ones(10, 6))
    assert torch.cat([low, high]).isnan().all()
    assert negative == 1


def test_resamplings_in_pieces_of_any_size_are_the_same(monkeypatch):
    whole = interval(errors_of(20))
    monkeypatch.setattr(bootstrap, "COUNTS_AT_ONCE", 70)
    torch.testing.assert_close(interval(errors_of(20)), whole)


def test_quartiles_are_those_of_each_observations_ratios():
    errors = errors_of(40)
    ratios = (errors[:, :1] - errors[:, 2:]) / (errors[:, :1] - errors[:, 1:2])
    assert ratio_quartiles(errors).numpy() == pytest.approx(np.percentile(ratios.numpy(), [25, 50, 75], axis=0))


def test_observations_to_which_sampling_adds_nothing_have_no_ratio():
    errors = errors_of(41)
    errors[0, :] = 2.0
    torch.testing.assert_close(ratio_quartiles(errors), ratio_quartiles(errors[1:]))
    assert bool(ratio_quartiles(errors[:1]).isnan().all())
