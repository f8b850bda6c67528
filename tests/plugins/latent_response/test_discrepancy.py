"""The maximum mean discrepancy, against independent code, a plain double sum, and what must hold."""

import numpy as np
import pytest
import torch

from vaehub import generator
from vaehub.plugins.latent_response import discrepancy
from vaehub.plugins.latent_response.kernels import mmd2, permuted_mmd2

EXACT = {"rel": 1e-9, "abs": 1e-10}


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "mmd.npz")


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
@pytest.mark.parametrize("other", ["same", "shift", "collapsed"])
def test_it_agrees_with_independent_code(oracle, kernel, other):
    found = mmd2(oracle["p"], oracle[f"q_{other}"], kernel=kernel)
    assert found == pytest.approx(float(oracle[f"mmd2_{kernel}_q_{other}"]), **EXACT)


def test_rows_at_once_change_nothing(oracle, monkeypatch):
    expected = mmd2(oracle["p"], oracle["q_shift"])
    monkeypatch.setattr(discrepancy, "ROWS_AT_ONCE", 7)
    assert mmd2(oracle["p"], oracle["q_shift"]) == pytest.approx(expected, **EXACT)


def test_samples_of_different_size_are_a_plain_double_sum(rng):
    p, q = rng.normal(size=(9, 2)), rng.normal(size=(6, 2))

    def k(a, b):
        return sum(4 * s / (4 * s + np.sum((a - b) ** 2)) for s in (0.5, 2))

    within = [np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]) for x in (p, q)]
    between = np.mean([k(a, b) for a in p for b in q])
    assert mmd2(p, q, scales=(0.5, 2)) == pytest.approx(sum(within) - 2 * between, **EXACT)


def test_it_is_symmetric_and_grows_with_a_shift(rng):
    p, q = rng.normal(size=(2, 200, 3))
    assert mmd2(p, q) == pytest.approx(mmd2(q, p), **EXACT)
    found = [mmd2(p, q + shift) for shift in (0, 0.5, 1, 2)]
    assert found == sorted(found)
    assert found[3] > 0.5


def test_without_a_difference_it_is_as_often_below_zero_as_above(rng):
    found = np.array([mmd2(*rng.normal(size=(2, 60, 3))) for _ in range(200)])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found))
    assert 0.3 < (found < 0).mean() < 0.8


def test_scaling_draws_and_base_together_changes_nothing(rng):
    p, q = rng.normal(size=(2, 50, 4))
    assert mmd2(3 * p, 3 * q + 1, base=9 * 8) == pytest.approx(mmd2(p, q + 1 / 3), **EXACT)
    assert mmd2(3 * p, 3 * q + 1, kernel="rbf", bandwidth=9) == pytest.approx(
        mmd2(p, q + 1 / 3, kernel="rbf", bandwidth=1), **EXACT
    )


def test_exchanges_begin_with_the_samples_as_they_are_and_are_those_of_mixed_samples(rng):
    p, q = (torch.as_tensor(each) for each in (rng.normal(size=(20, 2)), rng.normal(size=(15, 2)) + 3))
    found = permuted_mmd2(p, q, 4, generator(0, "x"), scales=(1.0,))
    assert found[0] == pytest.approx(mmd2(p, q, scales=(1.0,)), **EXACT)
    pooled, random = torch.cat([p, q]), generator(0, "x")
    for exchanged in found[1:]:
        # What stands at place i after the exchange has the number order[i]: the first are those below 20.
        is_first = torch.randperm(35, generator=random) < 20
        assert exchanged == pytest.approx(mmd2(pooled[is_first], pooled[~is_first], scales=(1.0,)), **EXACT)
    assert (found[1:] < 0.2 * found[0]).all()


def test_exchanges_centre_on_zero_where_there_is_no_difference(rng):
    p, q = rng.normal(size=(2, 100, 3))
    found = permuted_mmd2(p, q, 300, generator(0, "x"))[1:]
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(300)
