"""Options of metrics of samples: each decides what is computed."""

import pytest
import torch
from generation_samples import Linear, measured

from vaehub import (
    generator,
)
from vaehub.plugins.ard.kernels import latent_relevance
from vaehub.plugins.generation import feature_samples
from vaehub.plugins.generation.kernels import (
    kernel_distance,
    knn_precision_recall,
    polynomial_mmd2,
    precision_recall_curve,
)

# Options of one metric


@pytest.fixture
def compared(data):
    """Return a model, and what it is compared by: its samples and the observations of the split for validation."""
    model = Linear(data)
    z = model.prior_sample(100, generator(0, "measurement", "prior"))
    return model, model.decode(z), data.split("validation").x


def test_the_kernel_has_the_degree_asked_for(data, compared):
    model, samples, x = compared
    for degree in (1, 3):
        found = measured("kernel_distance", model, data, split="validation", degree=degree, subset_size=100)
        assert found.scalars["kernel_distance"] == pytest.approx(polynomial_mmd2(samples, x, degree), rel=1e-9)


def test_subsets_are_as_many_and_as_large_as_asked_for(data, compared):
    model, samples, x = compared
    found = measured("kernel_distance", model, data, split="validation", n_subsets=7, subset_size=20)
    random = generator(0, "measurement", "subsets")
    expected = kernel_distance(samples, x, 7, 20, generator=random).values
    assert found.arrays["subset_distance"].tolist() == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.parametrize(("n_clusters", "n_clusterings", "n_angles"), [(5, 1, 11), (10, 2, 21)])
def test_clusters_clusterings_and_angles_are_as_many_as_asked_for(data, compared, n_clusters, n_clusterings, n_angles):
    model, samples, x = compared
    asked = {"n_clusters": n_clusters, "n_clusterings": n_clusterings, "n_angles": n_angles}
    found = measured("precision_recall", model, data, split="validation", **asked)
    random = generator(0, "measurement", "clusters")
    curve = precision_recall_curve(samples, x, n_clusters, n_angles, n_clusterings, random)
    assert found.arrays["precision_curve"].tolist() == pytest.approx(curve.precision.tolist())
    assert found.arrays["recall_curve"].tolist() == pytest.approx(curve.recall.tolist())


def test_balls_reach_to_the_neighbour_asked_for(data, compared):
    model, samples, x = compared
    for k in (1, 10):
        found = measured("precision_recall", model, data, split="validation", n_neighbours=k).scalars
        assert (found["knn_recall"], found["knn_precision"]) == knn_precision_recall(samples, x, k)


# Relevant latents


def test_relevant_latents_explain_the_share_asked_for(data):
    # The second latent has a tenth of the relevance of both.
    model = Linear(data, prior_variance=torch.tensor([1.0, 1e6, 1.0]))
    for explained, expected in ((0.5, [1, 0, 0]), (0.99, [1, 1, 0])):
        found = measured("frechet_distance", model, data, latents="relevant", explained=explained)
        assert found.vectors["relevant"].values.tolist() == expected


def test_relevance_is_averaged_over_as_many_observations_as_asked_for(data, monkeypatch):
    seen = []
    monkeypatch.setattr(
        feature_samples,
        "latent_relevance",
        lambda model, data, n, *rest: seen.append(n) or latent_relevance(model, data, n, *rest),
    )
    for asked in ({}, {"n_jacobian": 7}):
        measured("frechet_distance", Linear(data), data, latents="relevant", **asked)
    assert seen == [100, 7]


@pytest.mark.parametrize("prior_variance", [None, torch.tensor([1.0, 1.0, 1.0])])
def test_irrelevant_latents_stay_at_the_mean_of_their_means(data, prior_variance):
    model = Linear(data, prior_variance=prior_variance)
    decoded = []
    decode = model.decode
    model.decode = lambda z: decoded.append(z) or decode(z)
    found = measured("frechet_distance", model, data, latents="relevant")
    assert found.vectors["relevant"].values.tolist() == [1, 0, 0]
    assert found.scalars["n_relevant"] == 1
    z = torch.cat(decoded[-5:])
    assert z[:, 0].std() > 0.5
    assert (z[:, 1] == 5).all()
    assert z[:, 2].unique().numel() == 1
    assert float(z[0, 2]) == pytest.approx(float(data.split("train").x[:, 2].mean()), abs=1e-6)


def test_what_is_relevant_goes_by_the_learned_variance_where_there_is_one(data):
    for variance, expected in (
        (torch.tensor([1e-9, 1e3, 1.0]), [0, 1, 0]),
        (torch.tensor([1.0, 1e-9, 1.0]), [1, 0, 0]),
    ):
        found = measured("frechet_distance", Linear(data, prior_variance=variance), data, latents="relevant")
        assert found.vectors["relevant"].values.tolist() == expected


def test_all_latents_leave_the_relevance_unmeasured(data):
    found = measured("frechet_distance", Linear(data), data)
    assert "n_relevant" not in found.scalars
    assert not found.vectors
