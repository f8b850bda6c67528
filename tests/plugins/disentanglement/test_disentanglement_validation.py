"""Codes and factors that do not fit."""

import math

import numpy as np
import pytest
from representations import factors_of, light_dci, noise

from vaehub import VaehubError
from vaehub.plugins.disentanglement.kernels import irs, mig, modularity, sap


@pytest.mark.parametrize("score", [mig, modularity, irs, sap, light_dci])
@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (np.zeros((5, 2)), np.zeros((4, 1), int), "belong to the same observations, got 5 codes and 4 factors"),
        (np.zeros((1, 2)), np.zeros((1, 1), int), "codes of at least 2 observations are needed, got 1"),
        (np.zeros(5), np.zeros((5, 1), int), r"codes have shape \(n, n_latents\) .* got \(5,\) and \(5, 1\)"),
        (np.zeros((5, 0)), np.zeros((5, 1), int), r"got \(5, 0\) and \(5, 1\)"),
        (np.full((5, 2), math.nan), np.zeros((5, 1), int), "codes are finite, and some of these are NaN or infinite"),
        (np.zeros((5, 2)), np.full((5, 1), 0.5), "factors are whole numbers, and some of these are not"),
    ],
)
def test_codes_and_factors_that_do_not_fit_are_refused(score, codes, factors, message):
    with pytest.raises(VaehubError, match=message):
        score(codes, factors)


@pytest.mark.parametrize("score", [irs, sap, light_dci, lambda *data: sap(*data, continuous=True)])
def test_a_constant_factor_is_refused_where_it_cannot_be_left_out(score, rng):
    factors = np.column_stack([factors_of(rng, 50), np.zeros(50, int)])
    with pytest.raises(VaehubError, match=r"at least two classes, and 3 \(from 0\) has one; leave it out"):
        score(noise(factors, rng), factors)


def test_what_is_tested_on_has_the_same_latents_and_factors(rng):
    factors = factors_of(rng, 60)
    codes = noise(factors, rng)
    with pytest.raises(VaehubError, match=r"as those learned from, 3 and 3, got shapes \(60, 2\) and \(60, 3\)"):
        sap(codes, factors, codes[:, :2], factors)
    with pytest.raises(VaehubError, match="go together, and only one of the two was given"):
        light_dci(codes, factors, codes)
