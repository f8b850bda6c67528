"""Where a curve bends, and which number of latents is the steadiest."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.plugins.fondue.kernels import (
    knee,
    steadiest,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}


def test_the_knee_of_a_bent_line_is_where_it_bends():
    places = [1, 2, 3, 4, 5, 6, 7, 8]
    error = [10, 7, 4, 1, 0.9, 0.8, 0.7, 0.6]
    assert knee(places, error, falls=True).at == 4
    assert knee(places, [-each for each in error], falls=False).at == 4


def test_the_knee_of_the_curve_of_satopaa_is_where_they_say():
    """Figure 2 of Satopää et al. 2011: y = -1 / (x + 0.1) + 5 over [0, 1] has its knee at 0.22."""
    x = np.linspace(0, 1, 10)
    assert knee(x, -1 / (x + 0.1) + 5, falls=False).at == pytest.approx(0.22, abs=0.005)


@given(st.floats(0.1, 100), st.floats(-50, 50))
def test_scale_and_shift_of_a_curve_leave_its_knee(scale, shift):
    places = [1, 2, 4, 8, 16, 32]
    error = np.array([5.0, 3.0, 1.5, 1.2, 1.1, 1.05])
    assert knee(places, scale * error + shift, falls=True).at == knee(places, error, falls=True).at == 4


@pytest.mark.parametrize(
    ("y", "why"),
    [
        ([3, 3, 3, 3], "it is flat"),
        ([4, 3, 2, 1], "it does not become flatter"),
        ([4, 3.9, 3.5, 1], "it does not become flatter"),
        ([1, 2, 3, 4], "it does not fall from one end to the other"),
        ([4, math.nan, 2, 1], "some of its values are not finite"),
    ],
)
def test_a_curve_without_a_knee_says_why(y, why):
    found = knee([1, 2, 3, 4], y, falls=True)
    assert math.isnan(found.at)
    assert found.reason == why


def test_two_points_have_no_knee_and_places_grow():
    assert knee([1, 2], [2, 1], falls=True).reason == "it has fewer than three points"
    with pytest.raises(VaehubError, match="at each of some growing places"):
        knee([1, 3, 2], [3, 2, 1], falls=True)


NOISE = np.array([-1.0, 0.0, 1.0])


def accuracies(means, deviations):
    """Three accuracies of each number, whose mean and standard deviation are as given."""
    return np.array(means)[:, None] + np.array(deviations)[:, None] * NOISE


def test_the_knee_and_the_steadiest_number_of_a_broken_line_are_at_its_break():
    numbers = [3, 6, 8, 10, 12, 18, 24]
    for at in numbers[1:-1]:
        line = [0.9 - 0.02 * max(at - n, 0) for n in numbers]
        assert knee(numbers, line, falls=False).at == at
        assert steadiest(numbers, accuracies(line, [0.001] * 7)).at == at
        # Beyond the break accuracies become unstable, as Mai Ngoc & Hwang found.
        unstable = [0.001 if n <= at else 0.001 * n for n in numbers]
        assert steadiest(numbers, accuracies(line, unstable)).at == at


@pytest.mark.parametrize(
    ("means", "deviations", "at"),
    [
        ((0.5, 0.9, 0.7), (0.01, 0.001, 0.01), 2),  # the highest and the steadiest
        ((0.5, 0.9, 0.9), (0.001, 0.02, 0.01), 3),  # of equal means the steadiest
        ((0.5, 0.9, 0.9), (0.01, 0.02, 0.02), 2),  # of equal means and variances the fewest
        ((0.899, 0.9, 0.5), (0.001, 0.02, 0.0), 1),  # 0.899 is within a standard error of 0.02 / sqrt(3) = 0.0115
        ((0.888, 0.9, 0.5), (0.001, 0.02, 0.0), 2),  # and 0.888 is not
    ],
)
def test_the_steadiest_of_high_accuracies_decides(means, deviations, at):
    assert steadiest([1, 2, 3], accuracies(means, deviations)).at == at


def test_one_training_says_nothing_of_variance_and_shapes_must_fit():
    for values, why in (
        ([[0.5], [0.9]], "there is one training of each number"),
        ([[0.5, math.nan], [0.9, 0.9]], "some accuracies are not finite"),
    ):
        found = steadiest([1, 2], np.array(values))
        assert math.isnan(found.at)
        assert found.reason == why
    for x, shape in (([1, 2], (3, 2)), ([2, 1], (2, 2)), ([1, 2], (2,)), ([], (0, 2))):
        with pytest.raises(VaehubError, match="a row for each of some growing numbers of latents"):
            steadiest(x, np.zeros(shape))
