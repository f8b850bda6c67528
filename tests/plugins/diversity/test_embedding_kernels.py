"""The diversity of embeddings, against every pair looked at, and what must hold."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaehub import VaehubError
from vaehub.plugins.diversity import kernels
from vaehub.plugins.diversity.kernels import embedding_diversity


@pytest.mark.parametrize(("n", "p"), [(40, 3), (7, 30)])
def test_the_closed_form_is_that_of_all_pairs(n, p, rng):
    rows = rng.normal(size=(n, p)) + 0.5
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    distances = (1 - unit @ unit.T)[np.triu_indices(n, 1)]
    assert embedding_diversity(rows) == pytest.approx((distances.mean(), distances.var()), rel=1e-9)


def test_features_worked_out_in_any_number_give_the_same(rng, monkeypatch):
    rows = rng.normal(size=(20, 9))
    expected = embedding_diversity(rows)
    monkeypatch.setattr(kernels, "FEATURES_AT_ONCE", 2)
    assert embedding_diversity(rows) == pytest.approx(expected, rel=1e-12)


@given(st.permutations(range(12)), st.floats(0.01, 100), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_order_lengths_and_rotation_do_not_matter(order, scale, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(12, 5))
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    lengths = scale * rng.uniform(0.5, 2, size=(12, 1))
    assert embedding_diversity((lengths * rows @ turn)[order]) == pytest.approx(embedding_diversity(rows), rel=1e-9)


def test_copies_have_none_opposites_two_and_right_angles_one():
    row = torch.tensor([[0.3, -1.2, 4.0]])
    assert embedding_diversity(row.repeat(6, 1)) == pytest.approx((0, 0), abs=1e-14)
    assert embedding_diversity(torch.cat([row, -row])) == pytest.approx((2, 0), abs=1e-14)
    assert embedding_diversity(torch.eye(5)) == pytest.approx((1, 0), abs=1e-14)


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_it_is_undefined_where_an_embedding_has_no_direction(bad, rng):
    rows = rng.normal(size=(5, 3))
    rows[2] = bad
    assert np.isnan(embedding_diversity(rows)).all()


def test_one_embedding_is_refused():
    with pytest.raises(VaehubError, match="needs at least 2 embeddings, got 1"):
        embedding_diversity(torch.ones(1, 3))
