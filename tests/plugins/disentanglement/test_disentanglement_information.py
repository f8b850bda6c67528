"""Scores of information, and information itself."""

import math

import numpy as np
import pytest
import torch
from representations import EXACT, factors_of, ideal
from sklearn.metrics import mutual_info_score

from vaehub import VaehubError
from vaehub.plugins.disentanglement import information
from vaehub.plugins.disentanglement.information import (
    factor_entropy,
    gaps,
    latent_modularity,
    mig,
    modularity,
    mutual_information,
)


def test_information_agrees_with_published_code(oracle, train):
    np.testing.assert_allclose(mutual_information(*train), oracle["mutual_information"], **EXACT)
    np.testing.assert_allclose(factor_entropy(train[1]), oracle["factor_entropy"], **EXACT)
    assert mig(*train) == pytest.approx(float(oracle["mig"]), rel=1e-9)
    assert modularity(*train) == pytest.approx(float(oracle["modularity"]), rel=1e-9)


def test_mutual_information_agrees_with_scikit_learn_pair_by_pair(rng):
    codes, factors = rng.normal(size=(400, 3)), factors_of(rng, 400)
    codes[:, 0] += factors[:, 1]
    found = mutual_information(codes, factors, bins=7)
    for latent, column in enumerate(codes.T):
        binned = np.digitize(column, np.histogram(column, 7)[1][:-1])
        expected = [mutual_info_score(factor, binned) for factor in factors.T]
        np.testing.assert_allclose(found[latent], expected, rtol=1e-9, atol=1e-12)


def test_information_of_a_factor_on_itself_is_its_entropy():
    factors = np.stack(np.meshgrid(range(3), range(4), indexing="ij"), axis=-1).reshape(-1, 2)
    found = mutual_information(factors.astype(float), factors)
    np.testing.assert_allclose(found, np.diag(np.log([3, 4])), atol=1e-12)
    assert mig(factors.astype(float), factors) == pytest.approx(1)
    assert modularity(factors.astype(float), factors) == pytest.approx(1)


def test_gaps_are_shares_of_the_entropy():
    found = gaps(np.array([[0.5, 0.1, 0.0], [0.2, 0.4, 0.0]]), np.array([1.0, 2.0, 0.0]))
    np.testing.assert_allclose(found, [0.3, 0.15, math.nan])


def test_modularity_of_a_latent_is_one_less_the_share_of_other_factors():
    found = latent_modularity(np.array([[2.0, 0, 0], [1, 1, 1], [2, 1, 0], [0, 0, 0]]))
    np.testing.assert_allclose(found, [1, 0, 1 - 0.25 / 2, 0])
    assert np.isnan(latent_modularity(np.array([[2.0]]))).all()


def test_a_constant_factor_is_left_out_of_information(rng):
    factors = factors_of(rng)
    with_constant = np.column_stack([factors, np.full(len(factors), 6)])
    codes = ideal(factors, rng)
    for score in (mig, modularity):
        assert score(codes, with_constant) == pytest.approx(score(codes, factors), rel=1e-12)
        assert math.isnan(score(codes, with_constant[:, 3:]))


def test_classes_far_apart_take_no_memory(rng):
    factors = factors_of(rng)
    far = factors.copy()
    far[far == 2] = 10**12
    codes = ideal(factors, rng)
    assert mig(codes, far) == pytest.approx(mig(codes, factors), rel=1e-12)


def test_counting_in_chunks_changes_nothing(train, monkeypatch):
    whole = mutual_information(*train)
    monkeypatch.setattr(information, "PAIRS_AT_ONCE", 999)
    np.testing.assert_array_equal(mutual_information(*train), whole)


def test_codes_are_cut_into_one_bin_at_least(train):
    with pytest.raises(VaehubError, match="bins is 0 and should be at least 1"):
        mig(*train, bins=0)


def test_an_angle_as_cosine_and_sine_loses_its_gap_and_no_other():
    # Factors of SmallNORB: category, elevation, azimuth and lighting, as in the table of the page.
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, size, 10_000) for size in (5, 9, 18, 6)], axis=1)
    angle = 2 * np.pi * factors[:, 2] / 18
    circle = np.stack([factors[:, 0], factors[:, 1], np.cos(angle), np.sin(angle), factors[:, 3]], axis=1)
    assert mig(torch.tensor(factors, dtype=torch.float64), torch.tensor(factors)) == pytest.approx(0.997, abs=5e-4)
    assert mig(torch.tensor(circle), torch.tensor(factors)) == pytest.approx(0.750, abs=5e-3)
