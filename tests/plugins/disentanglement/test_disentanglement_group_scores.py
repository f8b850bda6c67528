"""Scores of groups of observations that hold one factor."""

import numpy as np
import pytest

from vaehub import VaehubError
from vaehub.plugins.disentanglement.group_scores import (
    beta_vae_score,
    factor_vae_score,
    least_varying,
    mean_differences,
    varying_latents,
    vote_counts,
)


def test_votes_agree_with_published_code(oracle):
    variance, held = oracle["fv_global_variance"], oracle["fv_factor_index"].astype(int)
    assert varying_latents(variance).tolist() == oracle["fv_active"].tolist()
    latents = least_varying(oracle["fv_batches"], variance)
    np.testing.assert_array_equal(latents, oracle["fv_argmin"])
    votes, test_votes = (vote_counts(latents[some], held[some], 6, 4) for some in (slice(150), slice(150, None)))
    np.testing.assert_array_equal(votes, oracle["fv_votes_train"])
    np.testing.assert_array_equal(test_votes, oracle["fv_votes_eval"])
    assert factor_vae_score(votes) == pytest.approx(float(oracle["fv_train_accuracy"]), rel=1e-9)
    assert factor_vae_score(votes, test_votes) == pytest.approx(float(oracle["fv_eval_accuracy"]), rel=1e-9)


def test_the_score_of_votes_is_that_of_the_majority():
    votes = np.array([[8, 1, 0], [2, 5, 0]])
    assert factor_vae_score(votes) == pytest.approx(13 / 16)
    # What learned from other votes may be wrong, and a latent that nobody voted for stands for the first factor.
    assert factor_vae_score(votes, np.array([[1, 2, 3], [4, 0, 5]])) == pytest.approx((1 + 0 + 3) / 15)
    assert factor_vae_score(np.zeros((2, 3))) == 0


def test_a_latent_below_the_threshold_gets_no_votes(rng):
    groups = rng.normal(size=(20, 8, 3)) * [1, 1e-4, 1]
    groups[:, :, 1] = 0
    assert 1 not in least_varying(groups, np.array([1, 1e-4, 1]))
    assert 1 not in least_varying(groups, np.array([1.0, 0, 1]), threshold=0)
    assert (least_varying(groups, np.zeros(3)) == -1).all()


def test_mean_differences_are_of_pairs():
    pairs = np.array([[[[0.0, 1], [2, 1]], [[1, 1], [0, 5]]]])
    np.testing.assert_allclose(mean_differences(pairs), [[1.5, 2]])


def test_groups_pairs_and_votes_of_wrong_shapes_are_refused(rng):
    with pytest.raises(VaehubError, match=r"with a size of at least 2, .* got \(4, 1, 3\) and \(3,\)"):
        least_varying(np.zeros((4, 1, 3)), np.ones(3))
    with pytest.raises(VaehubError, match=r"pairs have shape .*, got \(4, 3, 3, 2\)"):
        mean_differences(np.zeros((4, 3, 3, 2)))
    with pytest.raises(VaehubError, match=r"the same to learn and to test, got \(2, 3\) and \(2, 4\)"):
        factor_vae_score(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(VaehubError, match="at least two different factors, and these hold one; draw more"):
        beta_vae_score(np.ones((4, 3)), np.zeros(4, int), np.ones((4, 3)), np.zeros(4, int))
