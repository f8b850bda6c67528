"""Centre and spread of values, by closed form."""

import math

import numpy as np
import pytest
from scipy import stats

from vaehub.plugins.curves.kernels import averaged, summary


@pytest.mark.parametrize(
    ("spread", "reach"),
    [
        ("sd", (math.sqrt(5 / 3), math.sqrt(5 / 3))),
        ("se", (math.sqrt(5 / 12), math.sqrt(5 / 12))),
        ("range", (1.5, 1.5)),
    ],
)
def test_ends_are_those_of_the_closed_form(spread, reach):
    centre, low, high, n = summary([1.0, 2.0, 3.0, 4.0], spread=spread)
    assert (centre, n) == (2.5, 4)
    assert (centre - low, high - centre) == pytest.approx(tuple(reach))


def test_quantiles_hold_the_middle_share(rng):
    values = rng.exponential(size=400)
    centre, low, high, _ = summary(values, centre="median", spread="quantiles", coverage=0.9)
    assert (low, centre, high) == pytest.approx(tuple(stats.mstats.mquantiles(values, [0.05, 0.5, 0.95], 1, 1)))
    assert np.mean((values >= low) & (values <= high)) == pytest.approx(0.9, abs=1 / 400)


@pytest.mark.parametrize("spread", ["sd", "se", "none"])
def test_one_value_has_no_spread(spread):
    centre, low, high, n = summary([7.0], spread=spread)
    assert (centre, n) == (7.0, 1)
    assert np.isnan([low, high]).all()


def test_undefined_values_are_left_out_and_nothing_left_is_nan():
    assert summary([np.nan, 2.0, np.inf, 4.0], spread="range") == (3.0, 2.0, 4.0, 2)
    assert np.isnan(summary([np.nan])[:3]).all()
    assert summary([np.nan])[3] == 0


def test_rows_of_one_run_are_averaged():
    found = averaged(np.array([1.0, 3.0, np.nan, 5.0, np.nan]), np.array([0, 0, 0, 1, 2]), 3)
    assert found[:2].tolist() == [2.0, 5.0]
    assert np.isnan(found[2])
