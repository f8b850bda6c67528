"""Curves over numbers of latents, and their knees."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from torch import nn

from vaehub import Dataset, Result, VaehubError, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.fondue.elbow import Elbow
from vaehub.plugins.fondue.kernels import knee
from vaehub.plugins.fondue.params import ElbowParams

DIMS = {"latent_dims": [1, 2, 4, 16]}
QUICK = {"network.hidden": [32], "train.epochs": 4, "train.learning_rate": 5e-3}


@pytest.mark.slow
def test_the_elbow_of_a_vae_has_both_curves_and_their_knees(shared):
    recipe = shared.recipe("beta_vae", settings={**QUICK, "train.epochs": 8, "model.beta": 0.05})
    found = shared.measure("elbow", recipe, settings={**DIMS, "accuracy": True})
    curves, knees = found.result.tables["curves"], found.result.tables["knees"]
    assert curves.keys["latent_dim"] == (1, 2, 4, 16)
    assert set(curves.columns) == {"mse", "squared_error", "reconstruction", "accuracy"}
    assert curves.columns["mse"][0] > curves.columns["mse"][-1]
    assert curves.columns["accuracy"][0] < curves.columns["accuracy"][-1]
    assert found["knee_mse"] == knee((1, 2, 4, 16), curves.columns["mse"], falls=True).at
    assert found["knee_accuracy"] == knee((1, 2, 4, 16), curves.columns["accuracy"], falls=False).at
    assert {found["knee_mse"], found["knee_accuracy"]} <= {2, 4}
    assert knees.keys["curve"] == ("mse", "accuracy")
    assert knees.columns["knee"].tolist() == [found["knee_mse"], found["knee_accuracy"]]
    axes = shared.figure(found.id).axes
    assert len(axes) == 2
    assert f"knee: {found['knee_mse']:g}" in [text.get_text() for text in axes[0].get_legend().get_texts()]


@pytest.mark.slow
def test_the_elbow_of_a_deterministic_model_and_again_from_the_store(hub, trained):
    recipe = hub.recipe("ae", settings=QUICK)
    found = hub.measure("elbow", recipe, settings=DIMS)
    assert set(found.result.scalars) == {"knee_mse"}
    assert trained() == 4
    finer = hub.measure("elbow", recipe, settings={"latent_dims": [1, 2, 3, 4, 16]})
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
    elbow = Elbow(ElbowParams(latent_dims=(1, 2, 4)))
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
    elbow = Elbow(ElbowParams(latent_dims=(1, 2, 4)))
    [axes] = elbow.plot(elbow.measure(recipe, Errors(3.0, 1.2, 1.0))).axes
    curve, chord, at = axes.lines
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([1, 2, 4], [3.0, 1.2, 1.0])
    assert (list(chord.get_xdata()), list(chord.get_ydata())) == ([1, 4], [3.0, 1.0])
    assert list(at.get_xdata()) == [2, 2]
    assert same_color(at.get_color(), "tab:red")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latents", "mean squared error")


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
