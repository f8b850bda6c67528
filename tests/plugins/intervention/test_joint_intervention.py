"""Interventions on growing sets of latents, as a metric."""

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, VaehubError, wrap

QUICK = {"model.latent_dim": 4, "train.epochs": 3}


class Encoder(nn.Module):
    """Four latents that are the values themselves, with standard deviations of 0.1, 0.4, 0.2 and nearly 0."""

    def forward(self, x):
        return x, torch.tensor([0.01, 0.16, 0.04, 1e-12]).log().expand_as(x)


@pytest.fixture
def known():
    return wrap(encoder=Encoder(), decoder=nn.Identity()), Dataset(np.random.default_rng(0).normal(size=(800, 4)))


def test_latents_are_set_in_the_order_of_the_variances_that_they_add(hub, known):
    model, data = known
    found = hub.measure("joint_intervention", model, data=data, settings={"split": "all"})
    assert found["order"].tolist() == [1, 2, 0, 3]
    # Squares of a normal variable have a relative standard deviation of sqrt(2): 0.06 of a mean over 500.
    assert found["joint_contribution"] == pytest.approx(np.array([0.01, 0.16, 0.04, 0]) / 4, rel=0.25, abs=1e-6)
    assert found["joint_error"][0] == found["recon_sample"]
    assert found["joint_error"][-1] == found["recon_mean"] == pytest.approx(0, abs=1e-12)
    assert found["joint_share"][[0, -1]].tolist() == [0, 1]
    assert found["n_explaining"] == np.argmax(found["joint_share"] >= 0.9) == 2


def test_samples_are_those_of_the_intervention_analysis(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    joint, single = (hub.measure(name, recipe) for name in ("joint_intervention", "intervention"))
    assert joint["recon_sample"] == pytest.approx(single["recon_sample"])
    assert joint["recon_mean"] == pytest.approx(single["recon_mean"])
    assert joint["order"][0] == single["intervention_error"].argmin()
    assert joint["joint_error"][1] == pytest.approx(single["intervention_error"].min())


def test_several_samples_are_averaged(hub, known):
    model, data = known
    found = hub.measure("joint_intervention", model, data=data, settings={"split": "all", "n_noise": 40})
    assert found["joint_contribution"] == pytest.approx(np.array([0.01, 0.16, 0.04, 0]) / 4, rel=0.04, abs=1e-6)


def test_by_structure_the_order_is_another_measurement(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    found = hub.measure("joint_intervention", recipe, settings={"error": "ssim"})
    assert 0 < found["recon_mean"] < 2
    assert 0 < found["recon_sample"] < 2
    assert found["joint_contribution"].sum() == pytest.approx(found["recon_difference"])


def test_where_sampling_adds_nothing_shares_are_undefined_and_the_plot_says_nothing_of_them(hub):
    class Sure(nn.Module):
        def forward(self, x):
            return x, torch.full_like(x, -200)

    data = Dataset(np.random.default_rng(0).normal(size=(20, 3)))
    model = wrap(encoder=Sure(), decoder=nn.Identity())
    found = hub.measure("joint_intervention", model, data=data, settings={"split": "all", "n_samples": 20})
    assert found["ratios_are_undefined"] == 1
    assert np.isnan(found["joint_share"]).all()
    assert np.isnan(found["n_explaining"])
    assert not hub.figure(found.id).axes[0].get_title()


def test_data_that_do_not_fit_are_refused(hub, known):
    model, data = known
    with pytest.raises(DataError, match=r"needs images, and .* shape \(4,\); '-s metric.error=mse' takes any"):
        hub.measure("joint_intervention", model, data=data, settings={"split": "all", "error": "ssim"})
    with pytest.raises(VaehubError, match="metric 'joint_intervention' needs a model with posterior variances"):
        hub.run("ae", "joint_intervention", settings=QUICK)


def test_a_plot_names_the_latent_of_each_step(hub, known):
    model, data = known
    found = hub.measure("joint_intervention", model, data=data, settings={"split": "all"})
    axes = hub.figure(found.id).axes[0]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["none", "1", "2", "0", "3"]
    assert axes.lines[0].get_ydata().tolist() == found["joint_error"].tolist()
