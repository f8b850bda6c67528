"""Precision and recall, by clusters and by neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp
from sklearn.cluster import MiniBatchKMeans, kmeans_plusplus
from sklearn.neighbors import NearestNeighbors

from vaehub import VaehubError
from vaehub.plugins.generation import clusters, neighbourhoods
from vaehub.plugins.generation.clusters import first_centres
from vaehub.plugins.generation.distances import squared_distances
from vaehub.plugins.generation.kernels import (
    best_f,
    knn_precision_recall,
    precision_recall,
    precision_recall_curve,
    trade_off,
)


@pytest.fixture
def modes(rng):
    """Ten far and narrow modes, twenty rows of each."""
    centres = 100 * np.arange(10)[:, None] * np.ones(2)
    return (centres[:, None] + rng.normal(size=(10, 20, 2))).reshape(-1, 2)


def kstest_of(x, y):
    """Return the probability that columns of two tables differ so much by chance."""
    return np.array([ks_2samp(a, b).pvalue for a, b in zip(x.T, y.T, strict=True)])


# By clusters


def test_curve_and_scores_are_those_of_the_published_code(oracles):
    with np.load(oracles / "prd_fid.npz") as known:
        curve = trade_off(known["eval_hist"], known["ref_hist"])
        np.testing.assert_allclose(curve.precision, known["precision_curve"], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(curve.recall, known["recall_curve"], rtol=1e-9, atol=1e-10)
        assert best_f(*curve, beta=8) == pytest.approx(float(known["f8_recall"]), rel=1e-9)
        assert best_f(*curve, beta=1 / 8) == pytest.approx(float(known["f1_8_precision"]), rel=1e-9)


def test_with_clusters_of_its_own_it_is_near_the_published_code(oracles):
    with np.load(oracles / "prd_fid.npz") as known:
        f8, f1_8 = precision_recall(known["eval_embed"], known["ref_embed"])
        assert f8 == pytest.approx(float(known["embed_f8_recall"]), abs=0.03)
        assert f1_8 == pytest.approx(float(known["embed_f1_8_precision"]), abs=0.03)


@pytest.mark.parametrize("n", [1, 2, 20])
def test_first_centres_are_those_of_scikit_learn(rng, n):
    x = rng.normal(size=(150, 3)) * [5, 1, 1]
    for seed in range(10):
        expected = kmeans_plusplus(x, n, random_state=seed)[1]
        squares = ((x[:, None] - x) ** 2).sum(axis=2)
        assert (first_centres(squares, n, np.random.RandomState(seed)) == expected).all()


def as_released(x, y, seed):
    """F8 and F1/8 as in the released code: scikit-learn looks for first centres by itself."""
    curves = []
    for each in range(2):
        found = MiniBatchKMeans(20, n_init=10, random_state=100 * seed + each).fit(np.concatenate([x, y])).labels_
        shares = (np.bincount(part, minlength=20) / len(x) for part in np.split(found, 2))
        curves.append(trade_off(*shares))
    precision, recall = (np.mean([np.asarray(part) for part in parts], axis=0) for parts in zip(*curves, strict=True))
    return best_f(precision, recall, beta=8), best_f(precision, recall, beta=1 / 8)


@pytest.mark.slow
def test_over_twenty_seeds_it_is_distributed_as_the_released_code(rng):
    shape = rng.normal(size=(8, 30))
    x, y = (rng.normal(size=(200, 8)) @ shape + rng.normal(size=(200, 30)) for _ in range(2))
    x[:100] += 2 * shape[0]
    generators = [torch.Generator().manual_seed(seed) for seed in range(20)]
    ours = np.array([precision_recall(x, y, n_clusterings=2, generator=each) for each in generators])
    theirs = np.array([as_released(x, y, seed) for seed in range(20)])
    assert (ours.std(axis=0) > 0).all()
    # Their seeds are others than ours, so that only distributions can agree.
    assert (kstest_of(ours, theirs) > 0.01).all()


def test_beyond_the_rows_of_a_start_scikit_learn_finds_it_and_scores_agree(modes, monkeypatch):
    x, y = modes[::2], modes[1::2] + 0.5
    found = precision_recall(x, y)
    monkeypatch.setattr(clusters, "START_ROWS", 199)
    assert precision_recall(x, y) == pytest.approx(found, abs=0.05)


def test_half_of_the_modes_have_a_closed_form():
    curve = trade_off(np.repeat([0.2, 0.0], 5), np.full(10, 0.1))
    at = 2.0  # the slope from which on nothing of the samples is beside the data
    assert best_f(*curve, beta=8) == pytest.approx(65 * 0.5 / (64 + 0.5), rel=2e-3)
    assert best_f(*curve, beta=1 / 8) == pytest.approx((1 + 1 / 64) * 0.5 / (1 / 64 + 0.5), rel=2e-3)
    assert curve.recall.max() == pytest.approx(1 / at)
    assert curve.precision.max() == pytest.approx(1)


def test_identical_sets_have_all_of_both_and_disjoint_ones_nothing(modes):
    assert precision_recall(modes, modes.copy()) == pytest.approx((1, 1), abs=1e-9)
    assert precision_recall(modes, modes + 1e5) == pytest.approx((0, 0), abs=1e-9)


def test_modes_that_are_missing_lower_recall_and_modes_that_are_invented_precision(modes):
    half = np.tile(modes[:100], (2, 1))
    recall, precision = precision_recall(half, modes, n_clusters=10)
    assert recall == pytest.approx(0.504, abs=0.01)
    assert precision == pytest.approx(0.985, abs=0.01)
    # The other way round, they change places.
    assert precision_recall(modes, half, n_clusters=10) == pytest.approx((precision, recall), abs=0.01)


shares = arrays(np.float64, 6, elements=st.floats(0.001, 1)).map(lambda x: x / x.sum())


@given(shares, shares)
@settings(deadline=None, max_examples=50)
def test_the_curve_runs_from_precision_to_recall_and_back(x, y):
    curve, other = trade_off(x, y, 101), trade_off(y, x, 101)
    assert (np.diff(curve.precision) >= -1e-12).all()
    assert (np.diff(curve.recall) <= 1e-12).all()
    np.testing.assert_allclose(curve.precision[::-1], other.recall, atol=1e-9)
    assert trade_off(x, x, 101).precision[50] == pytest.approx(1)


def test_the_same_generator_gives_the_same_curve(rng):
    x, y = rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 0.5
    runs = [
        precision_recall(x, y, n_clusterings=1, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]
    curve = precision_recall_curve(torch.from_numpy(x), torch.from_numpy(y), n_angles=11)
    assert curve.precision.shape == curve.recall.shape == (11,)


def test_samples_that_are_all_the_same_are_one_cluster(modes):
    recall, _ = precision_recall(np.tile(modes[:1], (200, 1)), modes, n_clusters=10)
    assert recall < 0.15


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.ones((5, 2)), np.ones((6, 2)), r"as many samples as data, .* \(5, 2\) and \(6, 2\)"),
        (np.ones((5, 2)), np.ones((5, 2)), "10 rows cannot be put into 20 clusters"),
        (np.full((50, 2), np.nan), np.ones((50, 2)), "NaN or infinite are in no cluster"),
    ],
)
def test_sets_without_clusters_are_refused(x, y, words):
    with pytest.raises(VaehubError, match=words):
        precision_recall(x, y)


# By neighbours


def test_balls_cover_what_torch_fidelity_says(oracles):
    with np.load(oracles / "torch_fidelity.npz") as known:
        found = knn_precision_recall(known["x"], known["y"])
        # Shares of 240 and of 300, which it gives in float32.
        assert found.precision == pytest.approx(float(known["knn_precision"]), rel=1e-6)
        assert found.recall == pytest.approx(float(known["knn_recall"]), rel=1e-6)


@pytest.mark.parametrize("k", [1, 4])
def test_balls_are_those_of_a_search_for_neighbours(rng, k, monkeypatch):
    x, y = rng.normal(size=(150, 3)) + 1000, 1.5 * rng.normal(size=(90, 3)) + 1000

    def covered(points, centres):
        radii = NearestNeighbors(n_neighbors=k).fit(centres).kneighbors()[0][:, -1]
        distances = np.linalg.norm(points[:, None] - centres, axis=2)
        return (distances <= radii).any(axis=1).mean()

    expected = (covered(y, x), covered(x, y))
    assert knn_precision_recall(x, y, k) == pytest.approx(expected, abs=1e-12)
    monkeypatch.setattr(neighbourhoods, "PAIRS_AT_ONCE", 1000)
    assert knn_precision_recall(x, y, k) == pytest.approx(expected, abs=1e-12)


def test_balls_of_identical_sets_cover_all_of_disjoint_ones_nothing_of_half_the_modes_half(modes):
    assert knn_precision_recall(modes, modes.copy()) == (1, 1)
    assert knn_precision_recall(modes, modes + 1e5) == (0, 0)
    recall, precision = knn_precision_recall(modes[:100], modes)
    assert (recall, precision) == (0.5, 1)


def test_copies_are_within_a_ball_of_no_radius(rng):
    x = 1e3 + np.repeat(rng.normal(size=(5, 40)), 6, axis=0)
    assert knn_precision_recall(x, x[::6].repeat(6, axis=0)) == (1, 1)
    assert knn_precision_recall(x, x + 0.01) == (0, 0)


def test_distances_of_copies_are_zero_and_small_ones_are_kept(rng):
    x = torch.from_numpy(rng.normal(size=(50, 300)))
    assert (squared_distances(x, x.flip(0)).flip(1).diagonal() == 0).all()
    near = x + 1e-5 * torch.from_numpy(rng.normal(size=x.shape))
    expected = (near - x).square().sum(dim=1)
    torch.testing.assert_close(squared_distances(near, x).diagonal(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((20, 3), (20, 4)), r"two sets of the same features are compared, got \(20, 3\) and \(20, 4\)"),
        (((20, 3), (3, 3)), "3 neighbours cannot be found among 20 samples and 3 observations"),
    ],
)
def test_sets_without_neighbours_are_refused(shapes, words):
    with pytest.raises(VaehubError, match=words):
        knn_precision_recall(*(np.ones(shape) for shape in shapes))


def test_what_is_not_finite_has_no_neighbours():
    with pytest.raises(VaehubError, match="NaN or infinite have no neighbours"):
        knn_precision_recall(np.full((9, 2), np.inf), np.ones((9, 2)))
