"""Response matrices and scores, against independent code, closed forms and invariants."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vaehub import generator
from vaehub.plugins.latent_response.kernels import (
    causal_completeness,
    causal_disentanglement,
    group_response,
    marginal_draws,
    response_matrix,
    self_responses,
)

EXACT = {"rtol": 1e-9, "atol": 1e-10}


@pytest.fixture
def oracle(oracles):
    return np.load(oracles / "latent_response.npz")


@pytest.fixture
def nonlinear(oracle):
    first, second, back = (torch.as_tensor(oracle[name]) for name in ("W1", "W2", "V"))
    return lambda z: torch.tanh(z @ first) @ second @ back


@pytest.mark.parametrize("at_once", [1024, 100, 1])
def test_the_matrix_agrees_with_independent_code_however_many_go_at_once(oracle, nonlinear, at_once):
    found = response_matrix(nonlinear, oracle["z"], oracle["v"], at_once=at_once)
    np.testing.assert_allclose(found, oracle["M_nonlinear"], **EXACT)


def test_a_linear_response_agrees_with_independent_code_and_with_its_closed_form(oracle):
    map_ = torch.as_tensor(oracle["A"])
    found = response_matrix(lambda z: z @ map_, oracle["z"], oracle["v"])
    np.testing.assert_allclose(found, oracle["M_linear"], **EXACT)
    moved = np.sqrt(np.mean((oracle["v"] - oracle["z"]) ** 2, axis=0))
    np.testing.assert_allclose(found, np.abs(oracle["A"]) * moved[:, None], **EXACT)


def test_a_perfect_autoencoder_responds_by_the_root_of_two_deviations_on_the_diagonal_alone():
    deviations = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    z = deviations * torch.randn(200_000, 3, dtype=torch.float64, generator=generator(0, "z"))
    found = response_matrix(lambda codes: codes, z, marginal_draws(z, generator(0, "v")), at_once=2**17)
    # The mean of a squared difference has a relative error of sqrt(2 / n), of which its root has half.
    np.testing.assert_allclose(found.diagonal(), np.sqrt(2) * deviations, rtol=0.01)
    assert (found - found.diagonal().diag() == 0).all()


def test_what_the_decoder_ignores_is_a_zero_row_and_what_the_encoder_ignores_a_zero_column(rng):
    z, v = rng.normal(size=(2, 50, 4))

    def respond(codes):
        seen = codes.clone()
        seen[:, 1] = 0
        answer = seen @ torch.ones(4, 4, dtype=torch.float64)
        answer[:, 2] = 5
        return answer

    found = response_matrix(respond, z, v)
    assert (found[1] == 0).all()
    assert (found[:, 2] == 0).all()
    assert (np.delete(np.delete(found, 1, axis=0), 2, axis=1) > 0).all()


def test_tensors_keep_their_type_on_the_way_and_numpy_answers_are_taken(rng):
    z = torch.as_tensor(rng.normal(size=(20, 3)), dtype=torch.float32)
    seen = []
    found = response_matrix(lambda codes: seen.append(codes.dtype) or codes.numpy(), z, z.flip(0))
    assert set(seen) == {torch.float32}
    assert found.dtype == torch.float64
    assert (found.diagonal() > 0).all()


def test_the_arguments_are_left_as_they_were(rng, nonlinear):
    z, v = torch.as_tensor(rng.normal(size=(2, 30, 5)))
    before = z.clone(), v.clone()
    response_matrix(nonlinear, z, v)
    assert torch.equal(z, before[0])
    assert torch.equal(v, before[1])


def test_own_responses_are_what_the_diagonal_is_the_root_mean_of(oracle, nonlinear):
    squares = self_responses(nonlinear, oracle["z"], oracle["v"], at_once=100)
    np.testing.assert_allclose(np.sqrt(squares.mean(axis=0)), oracle["M_nonlinear"].diagonal(), **EXACT)


@pytest.mark.parametrize("n", [2, 3, 50])
def test_replacements_come_from_other_rows_of_the_same_latent(n):
    z = torch.arange(2 * n).reshape(n, 2).double()
    found = marginal_draws(z, generator(0, "v"))
    assert (found != z).all()
    assert (found[:, 0] % 2 == 0).all()
    assert (found[:, 1] % 2 == 1).all()


def test_replacements_of_different_latents_are_independent_and_all_others_are_as_probable():
    z = torch.arange(5).double()[:, None].expand(-1, 2)
    drawn = torch.stack([marginal_draws(z, generator(seed, "v")) for seed in range(4000)]).long()
    counts = torch.bincount(drawn[:, 0, 0] * 5 + drawn[:, 0, 1], minlength=25).reshape(5, 5)[1:, 1:]
    assert counts.sum() == 4000
    # 250 in each cell on average, with a deviation of 15.3; six of them.
    assert (counts - 250).abs().max() < 92


# Scores


def test_the_score_agrees_with_independent_code(oracle):
    assert causal_disentanglement(oracle["cond"], rescaled=False) == pytest.approx(oracle["cds_raw"], rel=1e-12)


def test_a_permutation_is_disentangled_and_complete_and_a_constant_matrix_neither():
    permutation = np.eye(5)[[2, 0, 4, 1, 3]]
    assert causal_disentanglement(permutation) == causal_completeness(permutation) == pytest.approx(1)
    constant = np.full((4, 6), 0.3)
    assert causal_disentanglement(constant) == pytest.approx(0, abs=1e-15)
    assert causal_completeness(constant) == pytest.approx(0, abs=1e-15)
    assert causal_disentanglement(constant, rescaled=False) == pytest.approx(1 / 4)
    assert causal_completeness(constant, rescaled=False) == pytest.approx(1 / 6)


def test_one_factor_in_two_latents_is_disentangled_and_not_complete():
    matrix = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert causal_disentanglement(matrix) == 1
    assert causal_completeness(matrix, rescaled=False) == pytest.approx(2 / 3)


@given(arrays(np.float64, (3, 4), elements=st.floats(0.01, 10)), st.floats(0.1, 100))
def test_scores_lie_in_the_unit_interval_and_ignore_scale_and_order(matrix, scale):
    for score in (causal_disentanglement, causal_completeness):
        assert -1e-12 <= score(matrix) <= 1 + 1e-12
        assert score(scale * matrix[::-1, ::-1].copy()) == pytest.approx(score(matrix), abs=1e-9)
    assert causal_completeness(matrix.T.copy()) == pytest.approx(causal_disentanglement(matrix))


def test_scores_are_undefined_where_nothing_responds_and_of_one_alone():
    assert np.isnan(causal_disentanglement(np.zeros((3, 2))))
    assert np.isnan(causal_disentanglement(np.ones((1, 4))))
    assert np.isnan(causal_completeness(np.ones((4, 1))))
    assert causal_disentanglement(np.ones((1, 4)), rescaled=False) == 1


def test_the_mean_of_roots_is_at_most_the_root_of_the_mean(rng):
    squares = rng.random((6, 8, 3))
    papers, codes = group_response(squares), group_response(squares, "mean")
    np.testing.assert_allclose(papers, np.sqrt(squares.mean(axis=(0, 1))), **EXACT)
    np.testing.assert_allclose(codes, np.sqrt(squares.mean(axis=1)).mean(axis=0), **EXACT)
    assert (codes < papers).all()
    alike = np.broadcast_to(squares[:1], squares.shape)
    np.testing.assert_allclose(group_response(alike), group_response(alike, "mean"), **EXACT)
