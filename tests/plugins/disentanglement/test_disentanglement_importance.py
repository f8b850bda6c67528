"""Importance of latents for factors, and the scores made of it."""

import numpy as np
import pytest
from representations import constant, factors_of, halves, ideal, noise

from vaehub import VaehubError
from vaehub.plugins.disentanglement.importance import (
    completeness,
    dci,
    disentanglement,
    factor_completeness,
    latent_disentanglement,
)


def test_disentanglement_and_completeness_of_known_importances_agree_with_published_code(oracle):
    assert disentanglement(oracle["dci_importance"]) == pytest.approx(float(oracle["dci_disentanglement"]), rel=1e-9)
    assert completeness(oracle["dci_importance"]) == pytest.approx(float(oracle["dci_completeness"]), rel=1e-9)


@pytest.mark.slow
def test_dci_agrees_with_published_code_from_end_to_end(oracle, both):
    found = dci(*both)
    np.testing.assert_allclose(found.importance, oracle["dci_importance"], atol=0.01)
    for name, expected in (
        ("disentanglement", "disentanglement"),
        ("completeness", "completeness"),
        ("informativeness", "informativeness_test"),
        ("train_informativeness", "informativeness_train"),
    ):
        assert getattr(found, name) == pytest.approx(float(oracle[f"dci_{expected}"]), abs=0.005)


def test_concentrated_importance_is_one_and_even_importance_is_zero():
    np.testing.assert_allclose(latent_disentanglement(np.array([[1.0, 0, 0], [1, 1, 1]])), [1, 0], atol=1e-8)
    found = factor_completeness(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]))
    np.testing.assert_allclose(found, [1, 0.5, 0], atol=1e-8)
    assert np.isnan(latent_disentanglement(np.ones((3, 1)))).all()
    assert np.isnan(factor_completeness(np.ones((1, 3)))).all()


def test_latents_weigh_by_their_importance():
    importance = np.array([[0.9, 0.0], [0.05, 0.05]])
    assert disentanglement(importance) == pytest.approx(0.9, abs=1e-6)
    assert disentanglement(np.zeros((3, 2))) == pytest.approx(0, abs=1e-9)


def test_the_slow_predictor_says_the_same_of_an_ideal_and_of_a_constant_representation(rng):
    factors = factors_of(rng, 300)
    found = dci(*halves(ideal(factors, rng), factors))
    assert min(found.disentanglement, found.completeness, found.informativeness) > 0.95
    nothing = dci(*halves(constant(factors, rng), factors))
    assert max(nothing.disentanglement, nothing.completeness) < 1e-9
    assert not nothing.importance.any()


@pytest.mark.parametrize("predictor", ["gradient_boosting", "lightgbm"])
def test_the_same_seed_grows_the_same_trees(predictor, rng):
    factors = factors_of(rng, 120)
    once, again = (dci(noise(factors, np.random.default_rng(0)), factors, predictor=predictor) for _ in range(2))
    np.testing.assert_array_equal(once.importance, again.importance)


def test_a_predictor_that_there_is_not_is_refused(train):
    with pytest.raises(VaehubError, match="predictor is 'forest' and should be 'gradient_boosting' or 'lightgbm'"):
        dci(*train, predictor="forest")
