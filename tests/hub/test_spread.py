"""Mean and deviation over runs, some of which may have no finite value."""

import math

import pytest

from vaehub.hub.spread import deviation, mean


def test_both_are_those_of_the_sample():
    assert mean([1.0, 2.0, 6.0]) == 3
    assert deviation([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt(7))
    assert deviation([1.0]) is None


@pytest.mark.parametrize(("values", "expected"), [([1.0, math.inf], math.inf), ([math.inf, -math.inf], math.nan)])
def test_what_is_not_finite_is_no_error(values, expected):
    assert mean(values) == pytest.approx(expected, nan_ok=True)
    assert math.isnan(deviation(values))
