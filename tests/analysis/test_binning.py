"""Bins of equal width, beside those of NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.analysis import equal_width_bins


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=60),
    st.integers(1, 30),
)
@settings(max_examples=200, deadline=None)
def test_bins_are_those_of_a_histogram(values, bins):
    column = np.array(values)
    edges = np.histogram(column, bins)[1]
    if not (np.diff(edges) > 0).all():
        return  # bins narrower than neighbouring numbers are apart
    found = equal_width_bins(torch.tensor(column)[:, None], bins)[0][0]
    np.testing.assert_array_equal(found + 1, np.digitize(column, edges[:-1]))


def test_edges_are_those_of_a_histogram(rng):
    values = rng.normal(size=(50, 3))
    values[:, 2] = 7.0
    codes, edges = equal_width_bins(torch.from_numpy(values), 6)
    for column in range(3):
        expected = np.histogram(values[:, column], 6)
        np.testing.assert_allclose(edges[column], expected[1], rtol=1e-12)
        assert torch.bincount(codes[column], minlength=6).tolist() == expected[0].tolist()


def test_no_bins_are_refused():
    with pytest.raises(VaehubError, match="bins is 0 and should be at least 1"):
        equal_width_bins(torch.zeros(3, 1, dtype=torch.float64), 0)
