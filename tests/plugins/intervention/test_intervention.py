"""The intervention analysis as a metric."""

import math

import pytest

from vaehub import Hub, VaehubError

QUICK = {"model.latent_dim": 4, "train.epochs": 3}


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store", device="cpu")


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


@pytest.mark.parametrize("model", ["ae", "classifier"])
def test_models_that_do_not_sample_are_refused_before_training(hub, model):
    with pytest.raises(VaehubError, match="needs a model that samples its latents and decodes them"):
        hub.run(model, "intervention", settings=QUICK)
    assert not hub.store.exists


def test_more_observations_than_there_are_are_refused(hub):
    with pytest.raises(VaehubError, match="set '-s metric.n_samples=1617' or less"):
        hub.run("vae", "intervention", settings={**QUICK, "metric.n_samples": 2000})


def test_a_picture_has_a_bar_for_each_latent(hub):
    found = hub.run("vae", "intervention", settings=QUICK)[0]
    figure = hub.figure(found.id)
    assert len(figure.axes[0].patches) == 4
    assert math.isclose(figure.axes[0].lines[0].get_ydata()[0], 1.5 / 4)
