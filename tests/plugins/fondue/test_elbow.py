"""Curves over numbers of latents, and their knees."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from torch import nn

from vaehub import Dataset, Result, Table, VaehubError, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.fondue.elbow import Elbow
from vaehub.plugins.fondue.kernels import knee, steadiest
from vaehub.plugins.fondue.params import ElbowParams

DIMS = {"latent_dims": [1, 2, 4, 16]}
QUICK = {"network.hidden": [32], "train.epochs": 4, "train.learning_rate": 5e-3}


@pytest.mark.slow
@pytest.mark.longest
def test_the_elbow_of_a_vae_has_all_curves_and_their_knees(shared):
    recipe = shared.recipe("beta_vae", settings={**QUICK, "train.epochs": 8, "model.beta": 0.05})
    settings = {**DIMS, "n_seeds": 2, "accuracy": True, "classifier": "logistic"}
    found = shared.measure("elbow", recipe, settings=settings)
    curves, means, knees = (found.result.tables[name] for name in ("curves", "means", "knees"))
    assert curves.keys["latent_dim"] == (1, 1, 2, 2, 4, 4, 16, 16)
    assert curves.keys["seed"] == (0, 1) * 4
    assert set(curves.columns) == {"mse", "squared_error", "distortion", "accuracy"}
    mean = {name: values.reshape(4, 2).mean(axis=1) for name, values in curves.columns.items()}
    assert all(means.columns[f"{name}_mean"].tolist() == values.tolist() for name, values in mean.items())
    assert mean["distortion"][0] > mean["distortion"][-1]
    assert mean["accuracy"][0] < mean["accuracy"][-1]
    for name, falls in (("distortion", True), ("mse", True), ("accuracy", False)):
        assert found[f"knee_{name}"] == knee((1, 2, 4, 16), mean[name], falls=falls).at
    assert {found["knee_mse"], found["knee_accuracy"]} <= {2, 4}
    assert found["steadiest"] == steadiest((1, 2, 4, 16), curves.columns["accuracy"].reshape(4, 2)).at
    assert knees.keys["curve"] == ("distortion", "mse", "accuracy")
    assert knees.columns["knee"].tolist() == [found["knee_distortion"], found["knee_mse"], found["knee_accuracy"]]
    assert len(shared.figure(found.id).axes) == 3


@pytest.mark.slow
def test_the_elbow_of_a_deterministic_model_and_again_from_the_store(hub, trained):
    recipe = hub.recipe("ae", settings=QUICK)
    found = hub.measure("elbow", recipe, settings={**DIMS, "n_seeds": 1})
    assert set(found.result.scalars) == {"knee_distortion", "knee_mse"}
    assert trained() == 4
    finer = hub.measure("elbow", recipe, settings={"latent_dims": [1, 2, 3, 4, 16], "n_seeds": 1})
    assert trained() == 5
    shared_rows = finer.result.tables["curves"].columns["mse"][[0, 1, 3, 4]]
    assert shared_rows.tolist() == found.result.tables["curves"].columns["mse"].tolist()
    rows = hub.sql("select keys ->> '$.latent_dim', value from results where metric = 'elbow' and name = 'mse'")
    assert len(list(rows)) == 9


class Errors:
    """A laboratory that gives one error after the other."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def measure(self, metric, subject, **params):
        return Result({"mse": self.errors.pop(0), "squared_error": 0.0})


def test_a_curve_without_a_knee_is_nan_with_its_reason(recipe):
    elbow = Elbow(ElbowParams(latent_dims=(1, 2, 4), n_seeds=1))
    for errors, reason in (
        ((1.0, 1.0, 1.0), "it is flat"),
        ((1.0, 2.0, 3.0), "it does not fall from one end to the other"),
        ((3.0, 2.9, 1.0), "it does not become flatter"),
    ):
        found = elbow.measure(recipe, Errors(*errors))
        assert math.isnan(found.scalars["knee_mse"])
        assert found.tables["knees"].keys["reason"] == (reason,)
        labels = [text.get_text() for text in elbow.plot(found).axes[0].get_legend().get_texts()]
        assert labels == ["chord", f"no knee: {reason}"]


def test_the_plot_shows_the_curve_its_chord_and_its_knee(recipe):
    elbow = Elbow(ElbowParams(latent_dims=(1, 2, 4), n_seeds=1))
    [axes] = elbow.plot(elbow.measure(recipe, Errors(3.0, 1.2, 1.0))).axes
    curve, chord, at = axes.lines
    assert not axes.collections, "one training has no deviation"
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([1, 2, 4], [3.0, 1.2, 1.0])
    assert (list(chord.get_xdata()), list(chord.get_ydata())) == ([1, 4], [3.0, 1.0])
    assert list(at.get_xdata()) == [2, 2]
    assert same_color(at.get_color(), "#D55E00")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latents", "mean squared error")


class Laboratory:
    """A laboratory whose losses and accuracies are those of a table, by latents and seed."""

    def __init__(self, losses, accuracies):
        self.losses, self.accuracies, self.trained, self.probes = losses, accuracies, [], []

    def measure(self, metric, subject, **params):
        at = subject.model.params.latent_dim, subject.seed
        if metric == "downstream_probe":
            self.probes.append(params)
            return Result(tables={"mean": Table({"subset": ["all"]}, {"mean_test_accuracy": [self.accuracies[at]]})})
        self.trained.append(at)
        return Result({"mse": self.losses[at] / 100, "squared_error": 0.0, "distortion": self.losses[at]})


def test_each_number_is_trained_with_several_seeds_and_knees_are_of_the_means(recipe):
    """Of a broken line, both knees are at the break; so is the number whose accuracy is high and steady."""
    numbers, break_at = (1, 2, 3, 4, 5, 6, 7), 4
    noise = {3: -1.0, 4: 0.0, 5: 1.0}
    losses = {(n, seed): 10.0 + 5 * max(break_at - n, 0) + noise[seed] for n in numbers for seed in noise}
    spread = {n: 0.01 if n <= break_at else 0.05 for n in numbers}
    accuracies = {
        (n, seed): 0.9 - 0.1 * max(break_at - n, 0) + spread[n] * noise[seed] for n in numbers for seed in noise
    }
    runner = Laboratory(losses, accuracies)
    elbow = Elbow(ElbowParams(latent_dims=numbers, n_seeds=3, accuracy=True))
    found = elbow.measure(recipe.vary(seed=3), runner)
    assert runner.trained == [(n, seed) for n in numbers for seed in (3, 4, 5)]
    assert found.scalars == {"knee_distortion": 4, "knee_mse": 4, "knee_accuracy": 4, "steadiest": 4}
    curves, means = found.tables["curves"], found.tables["means"]
    assert (curves.keys["latent_dim"][:4], curves.keys["seed"][:4]) == ((1, 1, 1, 2), (3, 4, 5, 3))
    assert len(set(curves.keys["training"])) == 21
    assert means.keys["latent_dim"] == numbers
    assert means.columns["distortion_mean"] == pytest.approx([25, 20, 15, 10, 10, 10, 10])
    assert means.columns["distortion_deviation"] == pytest.approx([1] * 7)
    assert means.columns["accuracy_deviation"] == pytest.approx(list(spread.values()))
    loss, _, accuracy = elbow.plot(found).axes
    [bars] = accuracy.containers
    heights = [end[1] - begin[1] for begin, end in bars.lines[2][0].get_segments()]
    assert heights == pytest.approx([2 * each for each in spread.values()])
    assert [line.get_xdata()[0] for line in accuracy.lines if line.get_linestyle() == "-."] == [4]
    assert loss.get_title() == "distortion"
    assert "high and steady: 4" in [text.get_text() for text in accuracy.get_legend().get_texts()]


def test_accuracy_is_that_of_the_classifier_that_was_asked_for(recipe):
    for asked, classifiers, trees in (
        ({}, ("trees",), "exact"),
        ({"trees": "histogram"}, ("trees",), "histogram"),
        ({"classifier": "logistic"}, ("logistic",), "exact"),
    ):
        every = dict.fromkeys(((n, 0) for n in (1, 2, 4)), 0.5)
        runner = Laboratory(every, every)
        params = ElbowParams(latent_dims=(1, 2, 4), n_seeds=1, accuracy=True, split="test", **asked)
        Elbow(params).measure(recipe, runner)
        assert len(runner.probes) == 3
        for params in runner.probes:
            assert (params["classifiers"], params["trees"], params["test_split"]) == (classifiers, trees, "test")
            assert (params["subsets"], params["representations"]) == (("all",), ("mean",))


def test_defaults_are_the_protocol_of_the_thesis():
    """Section 8.4.1: five trainings of each of these numbers, and boosted trees."""
    params = ElbowParams()
    assert params.latent_dims == (3, 6, 8, 10, 12, 18, 24, 32, 42)
    assert (params.n_seeds, params.classifier) == (5, "trees")


def test_numbers_that_do_not_grow_and_accuracy_of_nothing_are_refused(hub):
    recipe = hub.recipe("vae")
    with pytest.raises(VaehubError, match="takes growing numbers of latents, got 4, 2, 8; write them in order"):
        hub.measure("elbow", recipe, settings={"latent_dims": [4, 2, 8]})
    with pytest.raises(VaehubError, match="'latent_dims' is .* at least 3"):
        hub.measure("elbow", recipe, settings={"latent_dims": [4, 8]})
    a_model = wrap(encoder=nn.Linear(3, 2), decoder=nn.Linear(2, 3))
    plain = Dataset(torch.from_numpy(np.ones((4, 3), np.float32)), splits={"validation": range(2)})
    with pytest.raises(
        VaehubError, match="needs labels or factors, and these .* neither; leave out '-s metric.accuracy=true'"
    ):
        refuse(Elbow(ElbowParams(accuracy=True)), recipe, a_model, plain)
    with pytest.raises(VaehubError, match="there is no split 'test'"):
        hub.measure("elbow", recipe, settings={"split": "test"})
    assert not hub.store.exists
