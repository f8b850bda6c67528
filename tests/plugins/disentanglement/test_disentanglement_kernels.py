"""What all scores have in common."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from representations import (
    SIZES,
    constant,
    doubled,
    factors_of,
    groups_of,
    halves,
    ideal,
    light_dci,
    mixture,
    noise,
    pairs_of,
)

from vaehub.plugins.disentanglement.kernels import (
    beta_vae_score,
    factor_vae_score,
    irs,
    least_varying,
    mean_differences,
    mig,
    modularity,
    mutual_information,
    sap,
    vote_counts,
)


def factor_vae(represent, rng):
    """FactorVAE's score of groups, the variance being that of all of them."""
    held, groups = groups_of(represent, rng)
    latents = least_varying(groups, groups.reshape(-1, groups.shape[2]).var(axis=0, ddof=1))
    votes = [vote_counts(latents[at], held[at], groups.shape[2], len(SIZES)) for at in np.split(np.arange(300), 2)]
    return factor_vae_score(*votes)


def beta_vae(represent, rng):
    held, pairs = pairs_of(represent, rng)
    differences = mean_differences(pairs)
    return beta_vae_score(differences[:200], held[:200], differences[200:], held[200:]).accuracy


def of(score):
    """Let a score of codes and factors be one of how factors are represented."""

    def scored(represent, rng):
        factors = factors_of(rng)
        return score(represent(factors, rng), factors)

    return scored


SCORES = {
    "mig": of(mig),
    "modularity": of(modularity),
    "sap": of(lambda codes, factors: sap(*halves(100 * codes, factors))),
    "sap_continuous": of(lambda codes, factors: sap(codes, factors, continuous=True)),
    "irs": of(irs),
    "disentanglement": of(lambda codes, factors: light_dci(codes, factors).disentanglement),
    "completeness": of(lambda codes, factors: light_dci(codes, factors).completeness),
    "factor_vae_score": factor_vae,
    "beta_vae_score": beta_vae,
}
CHANCE = {"factor_vae_score": 1 / 3, "beta_vae_score": 1 / 3}
"""What a score of nothing is, if it is an accuracy and not 0."""


# Representations whose scores are known


@pytest.mark.parametrize("name", SCORES)
def test_an_ideal_representation_scores_near_one(name, rng):
    # No line separates a class from others on both sides of it, and the second latent still tells as much as chance.
    assert SCORES[name](ideal, rng) > (0.35 if name == "sap" else 0.95)


@pytest.mark.parametrize("name", SCORES)
def test_a_constant_representation_scores_nothing(name, rng):
    found = SCORES[name](constant, rng)
    # FactorVAE's classifier has nothing to go by and is 0; the other names one factor always.
    chance = CHANCE["beta_vae_score"] if name == "beta_vae_score" else 0
    assert found == pytest.approx(chance, abs=1e-6 if chance == 0 else 4 * math.sqrt(2 / 9 / 100))


@pytest.mark.parametrize("name", [name for name in SCORES if name not in ("irs", "modularity")])
def test_noise_scores_next_to_nothing(name, rng):
    # Importances of trees are never even: of 900 observations they have 0.02.
    assert SCORES[name](noise, rng) < CHANCE.get(name, 0) + 0.15


@pytest.mark.parametrize("name", SCORES)
def test_copies_of_one_mixture_score_low(name, rng):
    assert SCORES[name](mixture, rng) < 0.6


@pytest.mark.parametrize("name", SCORES)
def test_two_latents_for_each_factor_cost_what_asks_for_one(name, rng):
    found = SCORES[name](doubled, rng)
    if name in ("mig", "sap", "sap_continuous"):
        assert found < 0.1
    elif name == "completeness":
        assert found < 0.8
    else:
        assert found > 0.95


def test_one_latent_has_a_second_that_says_nothing(rng):
    factors = factors_of(rng)
    codes = ideal(factors, rng)[:, :1]
    assert mig(codes, factors[:, :1]) == pytest.approx(1, abs=0.02)
    assert sap(codes, factors[:, :1], continuous=True) > 0.99
    assert math.isnan(light_dci(codes, factors).completeness)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_scores_stay_in_their_range(seed, n, n_latents, n_factors):
    rng = np.random.default_rng(seed)
    codes, factors = rng.normal(size=(n, n_latents)), rng.integers(0, 3, size=(n, n_factors))
    factors[:2] = [[0] * n_factors, [1] * n_factors]
    assert -1e-12 <= mig(codes, factors) <= 1 + 1e-12
    assert n_factors == 1 or -1e-12 <= modularity(codes, factors) <= 1 + 1e-12
    assert irs(codes, factors) <= 1 + 1e-12
    assert 0 <= sap(codes, factors, continuous=True) <= 1


# Invariances


@pytest.mark.parametrize("score", [mig, modularity, irs, sap, lambda *data: sap(*data, continuous=True)])
def test_the_order_of_latents_and_of_factors_changes_nothing(score, train):
    codes, factors = train
    turned = score(codes[:, [3, 0, 5, 1, 2, 4]], factors[:, [2, 3, 0, 1]])
    assert turned == pytest.approx(score(codes, factors), rel=1e-9)


@pytest.mark.parametrize("score", [mig, modularity, lambda *data: sap(*data, continuous=True)])
def test_the_order_of_observations_and_the_scale_of_latents_change_nothing(score, train, rng):
    codes, factors = train
    order = rng.permutation(len(codes))
    scaled = (codes * [-2, 4, 0.5, 8, -1, 2])[order]
    # Turned round, a value on an edge may be in another bin; of these, none is.
    assert score(scaled, factors[order]) == pytest.approx(score(codes, factors), rel=1e-6)


@pytest.mark.parametrize("score", [mig, modularity, sap])
def test_names_of_classes_do_not_matter(score, train):
    codes, factors = train
    renamed = 7 * (9 - factors.astype(int)) + 100
    assert score(codes, renamed) == pytest.approx(score(codes, factors), rel=1e-9)


@pytest.mark.parametrize("score", [mig, modularity, irs, sap])
def test_tensors_of_any_precision_are_taken_as_arrays_are(score, train):
    codes, factors = train
    tensors = torch.tensor(codes, dtype=torch.float32), torch.tensor(factors)
    assert score(*tensors) == pytest.approx(score(codes.astype(np.float32), factors), rel=1e-12)
    assert isinstance(mutual_information(*tensors), torch.Tensor)
    assert isinstance(mutual_information(codes, factors), np.ndarray)
