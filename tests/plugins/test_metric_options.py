"""Each of these options changes the result of its metric; one that is ignored is noticed here.

That the result is the right one is for the tests of each metric to say.
"""

import numpy as np
import pytest

from vaehub import Hub

DIGITS = {"model.latent_dim": 5, "train.epochs": 40, "data.subset": 500, "network.hidden": [32]}
FEW = {"n_samples": 120}
SCORE = {**FEW, "n_draws": 100, "n_repeats": 2, "n_permutations": 50}
FIELD = {**FEW, "size": 8, "n_rest": 4, "n_decoded": 2}
PATH = {"n_samples": 80, "size": 8, "n_frames": 5, "start": 3, "end": 40}
ON_SAMPLES = {**PATH, "on": "samples"}
CLOUDS = {"source": "reconstruction", "n_samples": 300, "n_clusters": 6, "n_clusterings": 2, "n_angles": 51}
TRADEOFF = {**FEW, "n_images": 40}
PROBE = {"classifiers": ["trees"], "subsets": ["all"], "representations": ["mean"], "n_train": 80, "n_test": 50}
OPTIONS = [
    ("latent_response_matrix", FEW, {"split": "validation"}),
    ("latent_response_matrix", FEW, {"n_samples": 60}),
    ("latent_response_matrix", FEW, {"source": "prior"}),
    ("latent_response_matrix", FEW, {"use_mean": True}),
    ("latent_response_matrix", FEW, {"edge_threshold": 0.5}),
    ("latent_response_matrix", FEW, {"confidence": 0.2}),
    ("structure_score", SCORE, {"n_draws": 90}),
    ("structure_score", SCORE, {"n_repeats": 3}),
    ("structure_score", SCORE, {"response": "mean"}),
    ("structure_score", SCORE, {"kernel": "rbf"}),
    ("structure_score", SCORE, {"scales": [0.5, 2]}),
    ("structure_score", SCORE, {"confidence": 0.5}),
    ("response_field", FIELD, {"split": "validation"}),
    ("response_field", FIELD, {"n_samples": 60}),
    ("response_field", FIELD, {"latents": [1, 3]}),
    ("response_field", FIELD, {"rest": "sample"}),
    ("response_field", FIELD, {"n_rest": 5}),
    ("response_field", FIELD, {"source": "prior"}),
    ("latent_path", ON_SAMPLES, {"split": "validation"}),
    ("latent_path", PATH, {"temperature": 10}),
    ("latent_path", PATH, {"latents": [2, 4]}),
    ("latent_path", {**PATH, "latents": [0, 1]}, {"rest": "average"}),
    ("latent_path", {**PATH, "latents": [0, 1], "rest": "average"}, {"n_rest": 3}),
    ("latent_path", {**PATH, "latents": [0, 1]}, {"extent": [-9, 9, -9, 9]}),
    ("latent_path", ON_SAMPLES, {"n_neighbours": 20}),
    ("latent_path", {**ON_SAMPLES, "n_neighbours": 40}, {"edge_points": 2}),
    ("latent_path", ON_SAMPLES, {"nodes": "means"}),
    ("intervention", FEW, {"split": "validation"}),
    ("intervention", FEW, {"confidence": 0.5}),
    ("joint_intervention", FEW, {"split": "validation"}),
    ("joint_intervention", FEW, {"n_noise": 2}),
    ("joint_intervention", FEW, {"explained": 0.99}),
    ("intervention_diversity", FEW, {"split": "validation"}),
    ("intervention_diversity", FEW, {"set_to": "posterior_mean"}),
    ("intervention_tradeoff", TRADEOFF, {"split": "validation"}),
    ("intervention_tradeoff", TRADEOFF, {"n_images": 30}),
    ("intervention_tradeoff", TRADEOFF, {"n_noise": 2}),
    ("intervention_tradeoff", TRADEOFF, {"error": "ssim"}),
    ("precision_recall", CLOUDS, {"n_clusters": 9}),
    ("precision_recall", CLOUDS, {"n_clusterings": 3}),
    ("precision_recall", CLOUDS, {"n_neighbours": 5}),
    ("kernel_distance", {"n_samples": 300, "subset_size": 100, "n_subsets": 5}, {"degree": 2}),
    ("kernel_distance", {"n_samples": 300, "subset_size": 100, "n_subsets": 5}, {"n_subsets": 6}),
    ("kernel_distance", {"n_samples": 300, "subset_size": 100, "n_subsets": 5}, {"subset_size": 80}),
    ("representation_dimension", {**FEW, "of": ["mean"]}, {"discard": 0.3}),
    ("representation_dimension", {**FEW, "of": ["mean"]}, {"cdf": "(i-1)/n"}),
    ("representation_dimension", {**FEW, "of": ["mean"]}, {"k": 10}),
    ("dependence", FEW, {"bins": 10}),
    ("dependence", FEW, {"of": "data"}),
    ("latent_traces", FEW, {"split": "validation"}),
    ("traversal", {}, {"span": "means"}),
    ("elbo", {}, {"split": "train"}),
    ("elbo", {}, {"n_samples": 3}),
    ("downstream_probe", PROBE, {"trees": "histogram"}),
    ("rate_distortion", {}, {"n_draws": 2}),
    ("rate_distortion", {}, {"estimator": "weighted"}),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    hub = Hub.open(tmp_path_factory.mktemp("options") / "store", device="cpu")
    return hub, hub.train(hub.recipe("vae", settings=DIGITS)).id


def values_of(result):
    """Return all numbers of a result by name, but for how many observations they are from."""
    found = {name: np.array(value) for name, value in result.scalars.items() if name != "n_samples"}
    found |= {name: vector.values for name, vector in result.vectors.items()}
    found |= {f"{name}.{key}": column for name, table in result.tables.items() for key, column in table.columns.items()}
    return found | dict(result.arrays)


@pytest.mark.parametrize(("metric", "usual", "option"), OPTIONS, ids=lambda item: str(item) if item else "usual")
def test_a_result_depends_on_the_option(trained, metric, usual, option):
    hub, training = trained
    before, after = (
        values_of(hub.measure(metric, training, settings=given).result) for given in (usual, usual | option)
    )
    assert before.keys() != after.keys() or any(
        before[name].shape != after[name].shape or not np.array_equal(before[name], after[name], equal_nan=True)
        for name in before
    )
