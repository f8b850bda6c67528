"""How far one latent tells the classes of a factor better than the next."""

import numpy as np
import pytest
from representations import EXACT

from vaehub.plugins.disentanglement.separation import sap, separations, single_latent_accuracy, squared_correlation


def test_separation_agrees_with_published_code(oracle, both):
    np.testing.assert_allclose(single_latent_accuracy(*both), oracle["sap_discrete_matrix"], atol=0.01)
    assert sap(*both) == pytest.approx(float(oracle["sap_discrete"]), abs=0.01)
    np.testing.assert_allclose(squared_correlation(*both[:2]), oracle["sap_continuous_matrix"], **EXACT)
    assert sap(*both, continuous=True) == pytest.approx(float(oracle["sap_continuous"]), rel=1e-9)


def test_separations_are_the_first_less_the_second_and_one_latent_has_none():
    scores = np.array([[0.9, 0.2], [0.4, 0.2], [0.7, 0.1]])
    np.testing.assert_allclose(separations(scores), [0.2, 0])
    np.testing.assert_allclose(separations(scores[:1]), [0.9, 0.2])


def test_a_line_correlates_wholly_and_a_flat_latent_not_at_all(rng):
    factors = rng.integers(0, 5, size=(50, 1))
    codes = np.column_stack([3 - 0.2 * factors[:, 0], np.full(50, 7.0)])
    np.testing.assert_allclose(squared_correlation(codes, factors), [[1], [0]], atol=1e-12)


def test_one_latent_tells_two_classes_apart_and_a_constant_one_guesses():
    factors = np.repeat([[0], [1]], 20, axis=0)
    codes = np.column_stack([np.linspace(-9, 9, 40), np.full(40, 2.0)])
    np.testing.assert_allclose(single_latent_accuracy(codes, factors), [[1], [0.5]])
