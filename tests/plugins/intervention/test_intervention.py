"""The intervention analysis as a metric."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, Result, VaehubError, wrap
from vaehub.plugins.intervention.intervention import Intervention

QUICK = {"model.latent_dim": 4, "train.epochs": 3}


def test_ratios_are_contributions_over_what_sampling_adds(hub):
    found = hub.run("vae", "intervention", settings=QUICK)[0]
    assert found["recon_difference"] == pytest.approx(found["recon_sample"] - found["recon_mean"])
    assert found["ratio"] == pytest.approx(found["contribution"] / found["recon_difference"])
    assert found["ratio_sum"] == pytest.approx(found["ratio"].sum())
    assert found["threshold"] == 1.5 / 4
    assert found["significant_dims"] == (found["ratio"] > found["threshold"]).sum()
    assert found["recon_sample_se"] > 0


def test_the_same_seed_gives_the_same_values_and_another_does_not(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    values = [hub.measure("intervention", recipe, seed=seed, force=True)["recon_sample"] for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_more_noise_and_fresh_noise_are_other_measurements(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    plain, more, fresh = (
        hub.measure("intervention", recipe, settings=each) for each in ({}, {"n_noise": 3}, {"noise": "fresh"})
    )
    assert plain["recon_mean"] == pytest.approx(more["recon_mean"])
    assert plain["recon_sample"] == fresh["recon_sample"] != more["recon_sample"]


def test_a_plot_says_where_sampling_lowers_the_error():
    scalars = {"significant_dims": 1, "threshold": 0.75, "recon_difference": -1.0}
    result = Result(scalars=scalars, vectors={"ratio": [0.9, 0.1]})
    assert "noise helps" in Intervention(Intervention.Params()).plot(result).axes[0].get_title()
    level = Result(scalars=scalars | {"recon_difference": 0.0}, vectors={"ratio": [0.9, 0.1]})
    assert "1 of 2 latents" in Intervention(Intervention.Params()).plot(level).axes[0].get_title()


@pytest.mark.parametrize("model", ["ae", "classifier"])
def test_models_that_do_not_sample_are_refused_before_training(hub, model):
    with pytest.raises(VaehubError, match="metric 'intervention' needs a model with (posterior variances|a decoder)"):
        hub.run(model, "intervention", settings=QUICK)
    assert not hub.store.exists


def test_more_observations_than_there_are_take_all(hub):
    more, all_ = (hub.run("vae", "intervention", settings={**QUICK, "metric.n_samples": n})[0] for n in (2000, "all"))
    assert more["n_samples"] == all_["n_samples"] == 1617
    assert more["recon_mean"] == all_["recon_mean"]


def test_a_plot_has_a_bar_for_each_latent(hub):
    found = hub.run("vae", "intervention", settings=QUICK)[0]
    figure = hub.figure(found.id)
    assert len(figure.axes[0].patches) == 4
    assert math.isclose(figure.axes[0].lines[0].get_ydata()[0], 1.5 / 4)
    assert len(figure.axes[0].collections) == 1


def test_without_resampling_there_are_no_intervals_and_none_are_drawn(hub):
    found = hub.run("vae", "intervention", settings={**QUICK, "metric.n_bootstrap": 0})[0]
    assert "ratio_low" not in found.result.vectors
    assert "significant_dims_bootstrap" not in found.result.scalars
    assert not hub.figure(found.id).axes[0].collections


def test_intervals_hold_their_ratios_and_count_latents_that_are_surely_significant(hub):
    found = hub.run("vae", "intervention", settings={**QUICK, "metric.significance": 0.5})[0]
    assert (found["ratio_low"] < found["ratio"]).all()
    assert (found["ratio"] < found["ratio_high"]).all()
    assert found["significant_dims_bootstrap"] == (found["ratio_low"] > 0.125).sum() <= found["significant_dims"]
    assert found["negative_base_rate"] < 0.5


def test_ratios_of_single_observations_have_quartiles(hub):
    found = hub.run("vae", "intervention", settings=QUICK)[0]
    assert (found["ratio_lower_quartile"] < found["ratio_median"]).all()
    assert (found["ratio_median"] < found["ratio_upper_quartile"]).all()


def test_by_structure_errors_have_no_unit(hub):
    found = hub.run("vae", "intervention", settings={**QUICK, "metric.error": "ssim"})[0]
    assert 0 < found["recon_mean"] < 2
    assert 0 < found["recon_sample"] < 2
    assert found["ratio"] == pytest.approx(found["contribution"] / found["recon_difference"])


class Sure(nn.Module):
    """Values themselves as means, without variance."""

    def forward(self, x):
        return x, torch.full_like(x, -200)


def test_where_sampling_adds_nothing_ratios_and_what_is_made_of_them_are_undefined(hub):
    data = Dataset(np.random.default_rng(0).normal(size=(20, 3)))
    model = wrap(encoder=Sure(), decoder=nn.Identity())
    found = hub.measure("intervention", model, data=data, settings={"split": "all", "n_samples": 20})
    assert found["ratios_are_undefined"] == 1
    assert found["recon_difference"] == 0
    for name in ("ratio_sum", "significant_dims", "significant_dims_bootstrap"):
        assert np.isnan(found[name])
    for name in ("ratio", "ratio_low", "ratio_high", "ratio_median"):
        assert np.isnan(found[name]).all()
    assert found["contribution"].tolist() == [0, 0, 0]
    assert "undefined" in hub.figure(found.id).axes[0].get_title()


def test_a_threshold_that_no_share_can_exceed_is_refused(hub):
    with pytest.raises(
        VaehubError, match=r"given significance 5, .* above 1, .*; set '-s metric.significance=4' or less"
    ):
        hub.run("vae", "intervention", settings={**QUICK, "metric.significance": 5})
    with pytest.raises(VaehubError, match="'significance' is 0 and should be greater than 0"):
        hub.run("vae", "intervention", settings={**QUICK, "metric.significance": 0})
    assert not hub.store.exists


@pytest.mark.parametrize(
    ("dataset", "more"), [("helix", {"model.likelihood": "squared_error"}), ("digits", {"data.size": 6})]
)
def test_structure_is_asked_of_images_of_the_windows_size_alone(hub, dataset, more):
    settings = {**QUICK, "metric.error": "ssim", **more}
    with pytest.raises(DataError, match=r"needs images.*; '-s metric.error=mse' takes any"):
        hub.run("vae", "intervention", dataset=dataset, settings=settings)
    assert not hub.store.exists


class Wide(nn.Module):
    """Values as means, with a variance of 1."""

    def forward(self, x):
        return x, torch.zeros_like(x)


@pytest.fixture
def split_data():
    """Return observations of two splits, on which a decoder that squares makes errors of other sizes."""
    x = np.concatenate([np.full((60, 2), 1.0), np.full((40, 2), 3.0)])
    return Dataset(x, splits={"train": range(60), "test": range(60, 100)})


class Square(nn.Module):
    def forward(self, z):
        return z.square()


@pytest.mark.parametrize(("split", "n", "error"), [("train", 60, 0), ("test", 40, 36), ("all", 100, 14.4)])
def test_errors_are_averaged_over_the_split_that_is_asked_for(split_data, split, n, error):
    model = wrap(encoder=Wide(), decoder=Square())
    model.meet(split_data.batch(slice(0, 2)), split_data.spec)
    for asked, used in (("all", n), (7, 7)):
        metric = Intervention(Intervention.Params(split=split, n_samples=asked, n_bootstrap=0))
        found = metric.measure(model, split_data).scalars
        assert found["n_samples"] == used
        if used == n:
            assert found["recon_mean"] == pytest.approx(error, rel=1e-6)


def test_a_greater_confidence_and_other_resamplings_change_the_intervals_only(split_data):
    model = wrap(encoder=Wide(), decoder=nn.Identity())
    model.meet(split_data.batch(slice(0, 2)), split_data.spec)
    plain, wide, more = (
        Intervention(Intervention.Params(**each)).measure(model, split_data)
        for each in ({}, {"confidence": 0.999}, {"n_bootstrap": 50})
    )
    width = [found.vectors["ratio_high"].values - found.vectors["ratio_low"].values for found in (plain, wide, more)]
    assert (width[1] > width[0]).all()
    assert not np.array_equal(width[2], width[0])
    assert np.array_equal(plain.vectors["ratio"].values, wide.vectors["ratio"].values)


def test_the_plot_has_heights_intervals_and_the_threshold_in_their_colours():
    colors = pytest.importorskip("matplotlib.colors")
    scalars = {"significant_dims": 1, "threshold": 0.75, "recon_difference": 1.0}
    vectors = {"ratio": [0.9, 0.1], "ratio_low": [0.8, 0.0], "ratio_high": [1.0, 0.2]}
    axes = Intervention(Intervention.Params()).plot(Result(scalars=scalars, vectors=vectors)).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.9, 0.1]
    assert all(colors.same_color(bar.get_facecolor(), "#0072B2") for bar in axes.patches)
    assert [line[:, 1].tolist() for line in axes.collections[0].get_segments()] == [[0.8, 1.0], [0.0, 0.2]]
    assert colors.same_color(axes.lines[0].get_color(), "#D55E00")
    assert axes.get_title() == "1 of 2 latents above 0.75 (line)"
