"""Samples of models compared with data, as metrics."""

import subprocess
import sys

import pytest
import torch
from generation_samples import FEW, METRICS, QUICK, Linear, measured
from matplotlib import colors

from vaehub import (
    DataError,
    Posterior,
    generator,
)
from vaehub.plugins.generation.frechet_distance import FrechetDistance
from vaehub.plugins.generation.kernels import (
    frechet_distance,
    knn_precision_recall,
    polynomial_mmd2,
)

# Through a trained_hub


def test_a_training_is_compared_with_its_data(trained_hub):
    found = trained_hub.measure("frechet_distance", trained_hub.recipe("vae", dataset="digits", settings=QUICK))
    assert found["frechet_distance"] == pytest.approx(found["mean_term"] + found["covariance_term"])
    assert found["frechet_distance"] > 0
    table = found.result.tables["features"]
    assert table.keys == {"features": ("pixels",), "module": ("none",), "weights": ("none",)}
    assert table.columns["n_features"].tolist() == [64]
    assert (found["n_samples"], found["is_rank_deficient"]) == (270, 0)
    assert "fid" not in found.result.scalars


@pytest.mark.parametrize("name", METRICS)
def test_a_longer_training_is_nearer_to_the_data(trained_hub, name):
    values = []
    for epochs in (1, 30):
        recipe = trained_hub.recipe("vae", dataset="digits", settings={**QUICK, "train.epochs": epochs})
        values.append(
            trained_hub.measure(name, recipe, settings=FEW.get(name, {}))["precision" if "prec" in name else name]
        )
    assert values[0] < values[1] if name == "precision_recall" else values[0] > values[1]


def test_reconstructions_are_nearer_than_samples_of_ard_and_the_encoder_of_a_training_sees_them(trained_hub):
    recipe = trained_hub.recipe("ard", dataset="digits", settings={**QUICK, "train.epochs": 20})
    training = trained_hub.train(recipe).id
    settings = {"features": "training", "training": training[:6]}
    samples = trained_hub.measure("frechet_distance", recipe, settings=settings)
    reconstructions = trained_hub.measure("frechet_distance", recipe, settings={**settings, "source": "reconstruction"})
    assert reconstructions["frechet_distance"] < samples["frechet_distance"]
    table = samples.result.tables["features"]
    assert table.keys["weights"] == (training,)
    assert table.columns["n_features"].tolist() == [3]


@pytest.mark.parametrize("name", ["kernel_distance", "precision_recall"])
def test_the_plot_shows_what_was_measured(trained_hub, name):
    recipe = trained_hub.recipe("vae", dataset="digits", settings=QUICK)
    found = trained_hub.measure(name, recipe, settings=FEW[name])
    figure = METRICS[name](METRICS[name].Params(**FEW[name])).plot(found.result)
    [axes] = figure.axes
    figure.canvas.draw()
    if name == "kernel_distance":
        assert sum(bar.get_height() for bar in axes.patches) == 5
        assert axes.lines[0].get_xdata()[0] == found["kernel_distance"]
        assert all(colors.same_color(bar.get_facecolor(), "#0072B2") for bar in axes.patches)
        assert "pixels" in axes.get_xlabel()
    else:
        assert len(axes.lines[0].get_xdata()) == 1001
        assert axes.lines[1].get_xdata()[0] == found["recall"]
        assert axes.lines[3].get_ydata() == [found["knn_precision"]]
        assert [colors.same_color(axes.lines[at].get_color(), "#0072B2") for at in (0, 3)] == [True, False]
        assert "pixels" in axes.get_title()


# What is compared


def test_the_kernels_see_decoded_draws_and_the_split_that_is_asked_for(data):
    model = Linear(data)
    z = model.prior_sample(100, generator(3, "measurement", "prior"))
    samples, x = model.decode(z), data.split("validation").x
    asked = {"split": "validation", "seed": 3}
    found = measured("frechet_distance", model, data, **asked)
    # Rows are drawn, in the order of the split: here, all of them.
    assert found.scalars["frechet_distance"] == pytest.approx(frechet_distance(samples, x), rel=1e-9)
    kernel = measured("kernel_distance", model, data, **asked, subset_size=100)
    assert kernel.scalars["kernel_distance"] == pytest.approx(polynomial_mmd2(samples, x), rel=1e-9)
    balls = measured("precision_recall", model, data, **asked)
    expected = knn_precision_recall(samples, x)
    assert (balls.scalars["knn_recall"], balls.scalars["knn_precision"]) == expected


def test_as_many_are_drawn_as_are_asked_for_at_most(data):
    assert measured("frechet_distance", Linear(data), data, n_samples=50).scalars["n_samples"] == 50
    assert measured("frechet_distance", Linear(data), data).scalars["n_samples"] == 300


def test_all_takes_every_observation(data):
    found = measured("frechet_distance", Linear(data), data, n_samples="all", split="all")
    assert found.scalars["n_samples"] == 400


def test_too_few_samples_for_the_covariance_are_refused_unless_asked_for(data):
    with pytest.raises(DataError, match="3 samples of 3 features: .* far too large, .*few_samples=true"):
        measured("frechet_distance", Linear(data), data, n_samples=3)
    for n, is_deficient in ((3, 1), (4, 0)):
        found = measured("frechet_distance", Linear(data), data, n_samples=n, few_samples=is_deficient)
        assert found.scalars["is_rank_deficient"] == is_deficient


def test_perfect_reconstructions_are_the_data(data):
    model = Linear(data)
    model.encode = lambda batch: Posterior(batch.x, None)
    model.decode = lambda z: z
    asked = {"source": "reconstruction"}
    assert measured("frechet_distance", model, data, **asked).scalars["frechet_distance"] == pytest.approx(0, abs=1e-9)
    found = measured("precision_recall", model, data, **asked).scalars
    assert [found[name] for name in ("precision", "recall", "knn_precision", "knn_recall")] == pytest.approx([1] * 4)


def test_samples_have_the_learned_variance_of_the_prior(data):
    # One latent varies along (1, 2, 2), so that the covariance term of an isotropic Gaussian is known: (3 s - 1)^2 + 2.
    model = Linear(data, prior_variance=torch.tensor([4.0, 1.0, 1.0]))
    found = measured("frechet_distance", model, data)
    assert found.scalars["covariance_term"] == pytest.approx((6 - 1) ** 2 + 2, rel=0.15)


def test_the_same_seed_gives_the_same_numbers(data):
    for name in METRICS:
        runs = [measured(name, Linear(data), data, seed=seed).scalars for seed in (0, 0, 1)]
        assert runs[0] == runs[1] != runs[2]


def test_reconstructions_are_of_all_latents():
    with pytest.raises(ValueError, match="'latents' is 'relevant' for draws; reconstructions"):
        FrechetDistance.Params(latents="relevant", source="reconstruction")


def test_the_manifest_loads_nothing_heavy():
    code = (
        "import sys, vaehub.plugins.generation.params, vaehub.plugins.generation as g; g.vaehub_catalog(); "
        "print([name for name in ('torch', 'scipy', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
