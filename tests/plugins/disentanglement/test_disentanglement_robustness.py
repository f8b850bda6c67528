"""Robustness to interventions on factors."""

import numpy as np
import pytest
from representations import EXACT

from vaehub import VaehubError
from vaehub.plugins.disentanglement.robustness import irs, robustness


@pytest.mark.parametrize(("quantile", "name"), [(0.99, "99"), (1, "100")])
def test_robustness_agrees_with_published_code(oracle, train, quantile, name):
    matrix = robustness(*train, quantile=quantile).matrix
    np.testing.assert_allclose(matrix, oracle[f"irs_matrix_{name}"], **EXACT)
    assert matrix.argmax(axis=1).tolist() == oracle[f"irs_parents_{name}"].tolist()
    assert irs(*train, quantile=quantile) == pytest.approx(float(oracle[f"irs_{name}"]), rel=1e-9)


def test_robustness_of_three_values_by_hand():
    codes = np.array([[0.0], [2.0], [10.0], [10.0]])
    factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    # The mean is 5.5 and the farthest value 5.5 away; groups of factor 0 deviate by 1 and 0, of factor 1 by 5 and 4.
    matrix, deviation = robustness(codes, factors, quantile=1)
    np.testing.assert_allclose(deviation, [5.5])
    np.testing.assert_allclose(matrix, [[1 - 0.5 / 5.5, 1 - 4.5 / 5.5]])


def test_factors_of_more_classes_than_bins_are_cut_into_bins(rng):
    factors = rng.integers(0, 40, size=(800, 1))
    codes = rng.normal(size=(800, 2)) + factors
    halved = robustness(codes, factors // 2).matrix
    np.testing.assert_allclose(robustness(codes, factors, bins=20).matrix, halved, rtol=1e-9)
    assert (robustness(codes, factors, bins=1000).matrix != halved).all()


def test_robustness_knows_the_scale_of_all_latents_together_and_not_of_one(train, rng):
    codes, factors = train
    order = rng.permutation(len(codes))
    assert irs(-3 * codes[order], factors[order]) == pytest.approx(irs(codes, factors), rel=1e-9)
    scaled = codes * [1, 1, 1, 1, 1, 1000]
    np.testing.assert_allclose(robustness(scaled, factors).matrix, robustness(codes, factors).matrix, rtol=1e-9)
    # The last latent is noise, and outweighs the others once it is large.
    assert irs(scaled, factors) < irs(codes, factors)


def test_a_quantile_is_no_percentage(train):
    with pytest.raises(VaehubError, match="quantile is 99 and should be above 0 and at most 1"):
        irs(*train, quantile=99)
