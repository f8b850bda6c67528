"""What is looked at, as metrics: arrays mean what they are called, and plots come from them alone."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from vaehub import Dataset, Factors, Hub, VaehubError, wrap
from vaehub.plugins.ard.kernels import n_relevant
from vaehub.plugins.qualitative.interpolation import Interpolation
from vaehub.plugins.qualitative.latent_scatter import LatentScatter
from vaehub.plugins.qualitative.params import PriorSamplesParams, ReconstructionsParams
from vaehub.plugins.qualitative.prior_samples import PriorSamples
from vaehub.plugins.qualitative.reconstructions import Reconstructions
from vaehub.plugins.qualitative.traversal import Traversal

METRICS = ["reconstructions", "prior_samples", "interpolation", "latent_scatter", "traversal"]
DECODING = [metric for metric in METRICS if metric != "latent_scatter"]
QUICK = {"model.latent_dim": 4, "train.epochs": 2}
# Batches of other sizes are multiplied in another order.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


class Silent(nn.Module):
    def forward(self, z):
        return 0 * z


@pytest.fixture
def recipe(hub):
    return hub.recipe("vae", settings=QUICK)


@pytest.fixture
def model_and_part(hub, recipe):
    model, data = hub.model(recipe)
    return model, data.split("train")


def decode(model, z):
    with torch.no_grad():
        return model.decode(torch.as_tensor(z, dtype=torch.float32)).numpy()


def means(model, x):
    return model.encode_all(Dataset(x)).mu.numpy()


# Reconstructions


def test_reconstructions_are_decoded_means_of_the_rows_that_are_named(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("reconstructions", recipe)
    assert_allclose(found["x"], part.x[found["rows"]])
    assert_allclose(found["reconstruction"], decode(model, means(model, found["x"])), **CLOSE)
    error = np.square(found["reconstruction"] - found["x"]).mean(axis=(1, 2, 3))
    assert_allclose(found["squared_error"], error, rtol=1e-5)
    assert found["mean_squared_error"] == pytest.approx(error.mean())
    assert found["labels"].tolist() == part.labels[found["rows"]].tolist() == list(range(10))


def test_the_first_rows_are_taken_if_asked_for(hub, recipe):
    assert hub.measure("reconstructions", recipe, settings={"choice": "first", "n": 3})["rows"].tolist() == [0, 1, 2]


def test_samples_are_reconstructed_besides_and_change_nothing_else(hub, recipe):
    plain, both = (hub.measure("reconstructions", recipe, settings={"n": 100, "sample": each}) for each in (0, 1))
    assert np.array_equal(plain["reconstruction"], both["reconstruction"])
    assert not np.array_equal(both["sampled_reconstruction"], both["reconstruction"])
    error = np.square(both["sampled_reconstruction"] - both["x"]).mean(axis=(1, 2, 3))
    assert_allclose(both["sampled_squared_error"], error, rtol=1e-5)
    assert both["sampled_mean_squared_error"] == pytest.approx(error.mean())
    with pytest.raises(KeyError):
        plain["sampled_reconstruction"]


def test_samples_of_a_deterministic_encoder_are_refused_before_training(hub):
    with pytest.raises(VaehubError, match="needs a model with posterior variances, .* '-s metric.sample=false'"):
        hub.run("ae", "reconstructions", settings={**QUICK, "metric.sample": True})


# Samples of the prior


def test_prior_samples_are_decoded_draws(hub, recipe, model_and_part):
    found = hub.measure("prior_samples", recipe, settings={"n": 500})
    assert found["z"].shape == (500, 4)
    assert_allclose(found["decoded"], decode(model_and_part[0], found["z"]), **CLOSE)
    # Of a standard normal: 1 / sqrt(500) is 0.045.
    assert_allclose(found["z"].mean(axis=0), 0, atol=0.2)
    assert_allclose(found["z"].std(axis=0), 1, atol=0.2)


def test_an_autoencoder_can_be_drawn_from_what_its_codes_are_like(hub):
    recipe = hub.recipe("ae", settings=QUICK)
    model, data = hub.model(recipe)
    codes = model.encode_all(data.split("train")).mu.numpy()
    found = hub.measure("prior_samples", recipe, settings={"n": 4000, "density": "fitted"})["z"]
    deviation = codes.std(axis=0)
    assert_allclose(found.mean(axis=0), codes.mean(axis=0), atol=0.1 * deviation.max())
    assert_allclose(found.std(axis=0), deviation, rtol=0.1)


def test_a_learned_prior_decides_what_is_drawn(hub):
    recipe = hub.recipe("ard", settings=QUICK)
    variance = hub.model(recipe)[0].learned_prior_variance.numpy()
    found = hub.measure("prior_samples", recipe, settings={"n": 4000})["z"]
    assert_allclose(found.var(axis=0), variance, rtol=0.15)


def identity(data):
    model = wrap(encoder=torch.nn.Identity(), decoder=torch.nn.Identity())
    model.meet(data.batch(slice(0, 2)), data.spec)
    return model


def test_a_model_without_a_prior_is_refused_unless_one_is_fitted(monkeypatch):
    def refuse(n, generator):
        raise VaehubError("it has none")

    data = Dataset(np.zeros((9, 2)), splits={"train": range(9)})
    model = identity(data)
    monkeypatch.setattr(model, "prior_sample", refuse)
    with pytest.raises(VaehubError, match="it has none; '-s metric.density=fitted' works for all"):
        PriorSamples(PriorSamplesParams()).refuse(model, data)
    PriorSamples(PriorSamplesParams(density="fitted")).refuse(model, data)


# Interpolation


def test_a_path_ends_at_the_reconstructions_of_its_pair(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("interpolation", recipe, settings={"n_steps": 8})
    assert found["z"].shape == (5, 8, 4)
    for place, end in ((0, 0), (1, -1)):
        x = found["x"][:, place]
        assert_allclose(x, part.x[found["rows"][:, place]])
        assert_allclose(found["decoded"][:, end], decode(model, means(model, x)), **CLOSE)
    assert_allclose(found["decoded"][:, 3], decode(model, found["z"][:, 3]), **CLOSE)
    assert_allclose(found["distance"], np.linalg.norm(found["z"][:, -1] - found["z"][:, 0], axis=1), rtol=1e-5)


def test_pairs_are_of_different_labels(hub, recipe):
    labels = hub.measure("interpolation", recipe, settings={"n_pairs": 30})["labels"]
    assert (labels[:, 0] != labels[:, 1]).all()


# Scatter


def test_means_of_two_latents_are_shown_as_they_are(hub):
    recipe = hub.recipe("vae", settings={**QUICK, "model.latent_dim": 2})
    model, data = hub.model(recipe)
    found = hub.measure("latent_scatter", recipe)
    assert_allclose(found["coordinates"], model.encode_all(data.split("train")).mu.numpy(), **CLOSE)
    assert found["labels"].tolist() == data.split("train").labels.tolist()


def test_means_of_more_latents_are_projected_and_all_components_explained(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("latent_scatter", recipe, settings={"n_samples": 300})
    mu = model.encode_all(part).mu.numpy()[found["rows"]].astype(float)
    s = np.linalg.svd(mu - mu.mean(axis=0), compute_uv=False)
    assert found.result.vectors["explained_variance_ratio"].index == "component"
    assert_allclose(found["explained_variance_ratio"], s**2 / (s**2).sum(), rtol=1e-4)
    assert_allclose(found["coordinates"], (mu - mu.mean(axis=0)) @ found["components"].T, atol=1e-5)
    assert len(set(found["rows"])) == 300


def test_one_latent_is_shown_as_a_histogram_of_all_observations(hub):
    found = hub.run("vae", "latent_scatter", settings={**QUICK, "model.latent_dim": 1})[0]
    assert found["coordinates"].shape == (1617, 1)
    assert found["explained_variance_ratio"].tolist() == [1]
    assert sum(patch.get_height() for patch in _tops(hub.figure(found.id).axes[0])) == 1617


def _tops(axes):
    """The bars, which are stacked: each stands on the one before and is as high as its own class."""
    return [patch for container in axes.containers for patch in container.patches]


def test_a_factor_may_decide_the_colour(hub):
    settings = {"data.subset": 60, "data.size": 16, "train.epochs": 0, "metric.factor": "shape"}
    found = hub.run("vae", "latent_scatter", dataset="sprites", settings=settings)[0]
    assert set(found["labels"]) == {0, 1, 2}
    assert hub.figure(found.id).axes[0].get_legend().get_title().get_text() == "shape"


def test_a_factor_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="asked for factor 'shape', which these data do not have; they have none"):
        hub.measure("latent_scatter", recipe, settings={"factor": "shape"})


@pytest.mark.parametrize("n_latents", [3, 1])
def test_classes_are_called_by_their_names(rng, n_latents):
    names = ("ant", "bee", "cat")
    factors = Factors(("kind",), (2,), torch.arange(60)[:, None] % 2, class_names=(("old", "new"),))
    data = Dataset(
        rng.normal(size=(60, n_latents)),
        labels=np.arange(60) % 3,
        factors=factors,
        class_names=names,
        splits={"train": range(60)},
    )
    for params, title, expected in (({}, "label", names), ({"factor": "kind"}, "kind", ("old", "new"))):
        metric = LatentScatter(LatentScatter.Params(**params))
        result = metric.measure(identity(data), data)
        legend = metric.plot(result).axes[0].get_legend()
        assert legend.get_title().get_text() == title
        assert tuple(text.get_text() for text in legend.get_texts()) == expected
        assert result.vectors["class_size"].labels == expected
        assert result.vectors["class_size"].values.tolist() == [60 / len(expected)] * len(expected)


def test_many_classes_have_a_scale_instead_of_a_legend(rng):
    data = Dataset(rng.normal(size=(90, 3)), labels=np.arange(90) % 30, splits={"train": range(90)})
    metric = LatentScatter(LatentScatter.Params())
    figure = metric.plot(metric.measure(identity(data), data))
    assert figure.axes[0].get_legend() is None
    assert figure.axes[1].get_ylabel() == "label"


# Traversal


def test_a_traversal_decodes_the_example_s_mean_with_one_latent_set(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("traversal", recipe, settings={"example": 7, "order": "index"})
    mu = means(model, part.x[7:8])[0]
    assert_allclose(found["mu"], mu, **CLOSE)
    assert_allclose(found["reconstruction"], decode(model, mu[None])[0], **CLOSE)
    assert_allclose(found["values"], np.tile(np.linspace(-2, 2, 10), (4, 1)), atol=1e-12)
    for latent in range(4):
        z = np.tile(mu, (10, 1))
        z[:, latent] = found["values"][latent]
        assert_allclose(found["decoded"][latent], decode(model, z), **CLOSE)


def test_relevant_latents_alone_come_by_their_relevance_with_the_paper_s_range(hub):
    recipe = hub.recipe("ard", settings={**QUICK, "train.epochs": 4})
    asked = {"order": "relevance", "n_latents": "relevant", "span": "prior"}
    found = hub.measure("traversal", recipe, settings=asked)
    model, _ = hub.model(recipe)
    relevance = found["relevance"]
    latents = found["latents"].tolist()
    assert latents == (-relevance).argsort()[: n_relevant(relevance)].tolist()
    deviation = model.learned_prior_variance.sqrt().numpy()[latents]
    assert_allclose(found["values"], np.linspace(-3, 3, 10) * deviation[:, None], rtol=1e-5)
    by_index = hub.measure("traversal", recipe, settings={**asked, "order": "index"})
    assert by_index["latents"].tolist() == sorted(latents)
    assert hub.measure("traversal", recipe, settings={**asked, "n_latents": 2})["latents"].tolist() == latents[:2]
    # The metric of the same name has it from the same formula, with observations of its own.
    assert_allclose(relevance, hub.measure("relevance", recipe)["relevance"], rtol=0.3)


def test_a_decoder_that_ignores_its_latents_has_no_relevant_ones_to_traverse(hub, model_and_part):
    _, part = model_and_part
    constant = wrap(
        encoder=nn.Sequential(nn.Flatten(), nn.Linear(64, 2)),
        decoder=nn.Sequential(Silent(), nn.Linear(2, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))),
    )
    with pytest.raises(VaehubError, match="no latent has any relevance, so there is none to traverse"):
        hub.measure("traversal", constant, data=Dataset(part.x), settings={"n_latents": "relevant", "split": "all"})


def test_the_most_used_latents_come_first(hub, recipe):
    every, two = (hub.measure("traversal", recipe, settings={"n_latents": n}) for n in ("all", 2))
    assert every["latents"].tolist() == np.argsort(-every["mu_variance"]).tolist()
    assert two["latents"].tolist() == every["latents"][:2].tolist()
    assert_allclose(two["decoded"], every["decoded"][:2], **CLOSE)


def test_the_variance_of_means_is_theirs(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("traversal", recipe, settings={"n_samples": len(part)})
    assert_allclose(found["mu_variance"], means(model, part.x).var(axis=0), rtol=1e-4)


def test_a_range_may_be_that_of_the_learned_prior(hub):
    recipe = hub.recipe("ard", settings=QUICK)
    sigma = hub.model(recipe)[0].learned_prior_variance.sqrt().numpy()
    found = hub.measure("traversal", recipe, settings={"span": "prior", "n_steps": 3})
    expected = sigma[found["latents"], None] * np.array([-3, 0, 3])
    assert_allclose(found["values"], expected, rtol=1e-6)


def test_a_range_may_be_that_of_the_means(hub, recipe, model_and_part):
    model, part = model_and_part
    settings = {"span": "means", "n_samples": len(part), "order": "index", "n_steps": 3}
    mu = means(model, part.x)
    expected = mu.mean(axis=0)[:, None] + mu.std(axis=0)[:, None] * np.array([-3, 0, 3])
    assert_allclose(hub.measure("traversal", recipe, settings=settings)["values"], expected, rtol=1e-4, atol=1e-5)


def test_a_learned_prior_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="needs a model with a learned prior, .* '-s metric.span=means' works"):
        hub.measure("traversal", recipe, settings={"span": "prior"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"n_latents": 5}, "asked for 5 latents, and the model has 4"), ({"example": 1617}, "'-s metric.example=1616'")],
)
def test_a_latent_or_a_row_that_is_not_there_is_refused(hub, recipe, settings, message):
    with pytest.raises(VaehubError, match=message):
        hub.measure("traversal", recipe, settings=settings)


# All of them


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_seed_gives_the_same_bits(hub, recipe, metric):
    settings = {"n_samples": 200} if metric == "latent_scatter" else {}
    found = [hub.measure(metric, recipe, seed=seed, settings=settings, force=True) for seed in (0, 0, 1)]
    first, again, other = ({name: each[name] for name in each.result.arrays} for each in found)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("metric", DECODING)
def test_a_model_without_a_decoder_is_refused_before_training(tmp_path, metric):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match=f"metric '{metric}' needs a model with a decoder"):
        hub.run("classifier", metric, settings=QUICK)
    assert not hub.store.exists


def test_means_of_a_model_without_a_decoder_can_be_shown(hub):
    found = hub.run("classifier", "latent_scatter", settings={**QUICK, "train.epochs": 0})[0]
    assert hub.figure(found.id)


@pytest.mark.parametrize(
    ("metric", "settings", "n"),
    [
        ("reconstructions", {"n": 200}, 180),
        ("interpolation", {"n_pairs": 50}, 80),
        ("latent_scatter", {"n_samples": 5000}, 180),
        ("traversal", {"n_samples": 5000}, 180),
    ],
)
def test_more_observations_than_there_are_take_all(hub, metric, settings, n):
    recipe = hub.recipe("vae", settings={**QUICK, "data.first": 400} if metric == "interpolation" else QUICK)
    assert hub.measure(metric, recipe, settings={**settings, "split": "validation"})["n_samples"] == n


@pytest.mark.parametrize("metric", ["interpolation", "latent_scatter"])
def test_a_split_of_one_observation_is_refused(hub, metric):
    recipe = hub.recipe("vae", settings={**QUICK, "data.split": [0.9, 0.0005, 0], "train.epochs": 0})
    with pytest.raises(VaehubError, match="needs at least 2 observations, and got 1: the split 'validation' has 1"):
        hub.measure(metric, recipe, settings={"split": "validation", **({"n_pairs": 1} if metric[0] == "i" else {})})


def test_a_split_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="there is no split 'test'"):
        hub.measure("traversal", recipe, settings={"split": "test"})


@pytest.mark.parametrize("metric", METRICS)
def test_a_plot_comes_from_stored_values_alone(hub, recipe, metric, tmp_path):
    found = hub.measure(metric, recipe)
    reader = Hub.open(hub.store.path, device="cpu")
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for each, path in zip((hub, reader), paths, strict=True):
        each.figure(found.id).savefig(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("metric", METRICS)
def test_vectors_are_looked_at_as_well_as_images(hub, metric):
    settings = {"model.latent_dim": 2, "model.likelihood": "gaussian", "train.epochs": 1}
    found = hub.run("vae", metric, dataset="helix", settings=settings)[0]
    assert hub.figure(found.id)
    if metric in DECODING:
        assert found.result.arrays["reconstruction" if metric == "reconstructions" else "decoded"].shape[-1] == 3


def test_a_wrapped_model_is_looked_at_like_one_of_ours(hub):
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    model = wrap(encoder=encoder, decoder=torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.Sigmoid()))
    for metric in METRICS:
        assert hub.figure(hub.measure(metric, model, data="digits").id)


def test_reconstructions_of_data_without_labels_are_drawn_from_all_rows():
    data = Dataset(np.arange(40.0).reshape(20, 2), splits={"train": range(20)})
    found = Reconstructions(ReconstructionsParams(n=20)).measure(identity(data), data)
    assert sorted(found.arrays["rows"].tolist()) == list(range(20))
    assert "labels" not in found.arrays
    assert found.scalars["mean_squared_error"] == 0


def test_manifest_and_parameters_load_neither_torch_nor_matplotlib():
    code = (
        "import sys, vaehub.plugins.qualitative, vaehub.plugins.qualitative.params;"
        "sys.exit(bool({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(scope="module")
def two_splits():
    """Return vectors whose splits lie apart: values up to 1, and values above 10."""
    x = np.random.default_rng(0).random((50, 3)).astype(np.float32)
    x[30:] += 10
    return Dataset(x, splits={"train": range(30), "test": range(30, 50)})


@pytest.mark.parametrize(
    ("metric", "params", "array"),
    [
        (Reconstructions, {"n": 5}, "x"),
        (Reconstructions, {"n": 5, "choice": "first"}, "x"),
        (PriorSamples, {"density": "fitted"}, "z"),
        (Interpolation, {}, "x"),
        (LatentScatter, {"n_samples": 20}, "rows"),
        (Traversal, {"span": "means"}, "values"),
        (Traversal, {}, "x"),
    ],
)
def test_observations_are_those_of_the_split_that_is_asked_for(two_splits, metric, params, array):
    found = {
        split: metric(metric.Params(split=split, **params)).measure(identity(two_splits), two_splits)
        for split in ("train", "test")
    }
    if array == "rows":
        assert found["test"].arrays["rows"].tolist() == list(range(20))
        assert found["train"].arrays["rows"].max() > 19
    else:
        assert found["train"].arrays[array].mean() < 3 < 7 < found["test"].arrays[array].mean()


def test_steps_span_the_range_and_spacing_that_are_asked_for(two_splits):
    def steps(**params):
        metric = Traversal(Traversal.Params(order="index", n_steps=5, **params))
        return metric.measure(identity(two_splits), two_splits).arrays["values"][0]

    assert_allclose(steps(), [-2, -1, 0, 1, 2])
    assert_allclose(steps(span="higgins"), [-3, -1.5, 0, 1.5, 3])
    by_quantile = np.asarray(steps(spacing="quantile"))
    assert by_quantile[2] == pytest.approx(0, abs=1e-9)
    assert by_quantile[4] - by_quantile[3] > by_quantile[3] - by_quantile[2]
