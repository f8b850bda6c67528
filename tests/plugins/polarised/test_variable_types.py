"""What each latent is, as a metric."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tests.plugins.polarised.conftest import conditional_prior
from vaehub import DataError, Dataset, VaehubError, WorkFailed, wrap
from vaehub.plugins.polarised.variable_types import VariableTypes

KNOWN = ["passive", "active", "mixed", "active", "passive", "active", "mixed"]
ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 2}


def of(result):
    return list(result.vectors["type"].labels)


def measured(model, data, **params):
    return VariableTypes(VariableTypes.Params(split="all", **params)).measure(model, data)


# What is known


def test_a_model_with_known_latents_is_told_right(hub, known, data):
    found = hub.measure("variable_types", known, data=data, settings=ALL)
    assert of(found.result) == KNOWN
    assert found["type"].tolist() == [2, 0, 1, 0, 2, 0, 1]
    assert (found["n_active"], found["n_mixed"], found["n_passive"]) == (3, 2, 2)
    assert (found["n_samples"], found["is_relative"]) == (4000, 0)


def test_types_are_told_from_the_statistics_beside_them(hub, known, data):
    found = hub.measure("variable_types", known, data=data, settings=ALL)
    mean, variance = found["variance_mean"], found["variance_variance"]
    passive, active = (variance < 0.1) & (abs(mean - 1) <= 0.1), (variance < 0.1) & (mean <= 0.1)
    assert np.where(active, 0, np.where(passive, 2, 1)).tolist() == found["type"].tolist()
    assert found["mu_variance"] == pytest.approx([1e-6, 1, 0.34, 1, 1e-6, 1, 0.34], rel=0.1)
    assert found["mu_mean"][2] == pytest.approx(1 / np.sqrt(2 * np.pi), rel=0.05)


def test_alpha_decides(hub, known, data):
    wide = hub.measure("variable_types", known, data=data, settings={**ALL, "alpha": 0.001})
    assert wide["n_active"] == 0


def test_types_are_in_the_database_by_word(hub, known, data):
    hub.measure("variable_types", known, data=data, settings=ALL)
    rows = hub.sql("select index, label from results where name = 'type' order by index")
    assert [tuple(row) for row in rows] == list(enumerate(KNOWN))


# Priors that are not standard normal


def test_passive_latents_of_a_conditioned_prior_follow_its_variance(conditioned, data):
    found = measured(conditioned, data)
    assert of(found) == ["active", "passive", "mixed", "mixed"]
    assert found.scalars["is_relative"] == 1
    # By variances alone a passive latent cannot be told: they are anything from 1e-3 to 30.
    assert found.vectors["variance_variance"].values[1] > 1
    assert found.vectors["ratio_mean"].values[:2] == pytest.approx([np.exp(-4), 1], rel=1e-5)
    assert found.vectors["shift_variance"].values == pytest.approx([1, 0, 0.34, 1], abs=0.1)
    # Means follow the prior's, and vary as much as those.
    assert found.vectors["mu_variance"].values[1] > 3


def test_the_rule_of_the_thesis_can_be_asked_of_any_model(conditioned, known, data):
    absolute = measured(conditioned, data, relative="absolute")
    assert "passive" not in of(absolute)
    assert absolute.scalars["is_relative"] == 0
    assert "ratio_mean" not in absolute.vectors
    relative = measured(known, data, relative="prior")
    assert of(relative) == KNOWN
    assert relative.vectors["ratio_mean"].values == pytest.approx(relative.vectors["variance_mean"].values)


@pytest.mark.parametrize(
    ("model", "dataset", "more", "is_relative"),
    [("vae", "digits", {}, 0), ("ard", "digits", {}, 1), ("ivae", "digits", {"model.auxiliary": "labels"}, 1)],
)
def test_models_are_asked_by_their_own_prior(hub, model, dataset, more, is_relative):
    found = hub.run(model, "variable_types", dataset=dataset, settings={**QUICK, **more})[0]
    assert found["is_relative"] == is_relative
    assert found["n_active"] + found["n_mixed"] + found["n_passive"] == 4
    assert hub.figure(found.id)


# Histograms


def test_histograms_are_those_of_numpy(hub, known, data):
    found = hub.measure("variable_types", known, data=data, settings={**ALL, "n_bins": 30})
    mu, logvar = known.network.encoder.module(data.x)
    for name, values in {"mean": mu, "variance": logvar.double().exp()}.items():
        for latent in range(7):
            counts, edges = np.histogram(values[:, latent].double().numpy(), bins=30)
            assert found[f"{name}_counts"][latent].tolist() == counts.tolist()
            np.testing.assert_allclose(found[f"{name}_edges"][latent], edges, rtol=1e-12)
    assert (found["sampled_counts"].sum(axis=1) == 4000).all()


def test_a_prior_that_differs_among_observations_has_histograms_too(conditioned, known, data):
    found, plain = measured(conditioned, data), measured(known, data)
    assert {"prior_mean_counts", "prior_variance_edges", "ratio_counts"} <= set(found.arrays)
    assert not any(name.startswith(("prior", "ratio")) for name in plain.arrays)
    assert len(VariableTypes(VariableTypes.Params()).plot(found).axes) == 4


def test_variances_of_a_prior_are_shown_whatever_their_size(conditioned, data):
    """Bonheme 2023, Figures 5.2c and 5.4d: those of an active latent may be hundreds of times the posterior's."""
    found = measured(conditioned, data)
    prior = conditional_prior(data.x)[1]
    for name, values in {
        "prior_logvar": prior,
        "logvar": conditioned.encode(data.batch(slice(0, len(data)))).logvar,
    }.items():
        np.testing.assert_allclose(found.arrays[f"{name}_edges"][:, 0], values.amin(0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.arrays[f"{name}_edges"][:, -1], values.amax(0), rtol=1e-5, atol=1e-6)
    panels = {axes.get_title(): axes for axes in VariableTypes(VariableTypes.Params()).plot(found).axes}
    assert list(panels) == ["mean", "variance, log scale", "variance / prior's", "sampled"]
    axes = panels["variance, log scale"]
    left, right = axes.get_xlim()
    assert left < float(prior.min()) < float(prior.max()) < right
    assert sum(not patch.get_fill() for patch in axes.patches) == 4
    # In bins of equal width, nearly all would be in the first.
    assert (found.arrays["prior_logvar_counts"] > 0).sum(axis=1).min() > 40
    assert (found.arrays["prior_variance_counts"].max(axis=1) > 2000).all()
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert "$10^{0}$" in ticks
    np.testing.assert_allclose(np.exp(axes.get_xticks()[ticks.index("$10^{0}$")]), 1)


def test_a_picture_of_bins_of_equal_width_reaches_to_the_prior_too(conditioned, data):
    """As the first revision stored them."""
    found = measured(conditioned, data)
    old = {name: values for name, values in found.arrays.items() if "logvar" not in name}
    axes = VariableTypes(VariableTypes.Params()).plot(dataclasses.replace(found, arrays=old)).axes[1]
    assert axes.get_title() == "variance"
    assert axes.get_xlim()[1] > 0.9 * old["prior_variance_edges"].max()


def test_samples_of_passive_latents_are_standard_normal_and_the_seed_decides_them(hub, known, data):
    found, again, other = (
        hub.measure("variable_types", known, data=data, seed=seed, settings=ALL, force=True) for seed in (0, 0, 1)
    )
    edges = found["sampled_edges"][0]
    middles = (edges[1:] + edges[:-1]) / 2
    assert np.average(middles**2, weights=found["sampled_counts"][0]) == pytest.approx(1, abs=0.1)
    assert (found["sampled_counts"] == again["sampled_counts"]).all()
    assert (found["sampled_counts"] != other["sampled_counts"]).any()


def test_a_picture_has_a_row_for_each_latent_active_ones_first(hub, known, data):
    figure = hub.figure(hub.measure("variable_types", known, data=data, settings=ALL).id)
    assert [axes.get_title() for axes in figure.axes] == ["mean", "variance", "sampled"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1", "3", "5", "2", "6", "0", "4"]


# Which observations


def test_fewer_observations_are_drawn_and_recorded(hub, known, data):
    found = hub.measure("variable_types", known, data=data, settings={**ALL, "n_samples": 100})
    assert found["n_samples"] == 100
    assert len(set(found["rows"].tolist())) == 100
    assert found["rows"].max() > 1000


# What is refused


def test_models_without_posterior_variances_are_refused_before_training(hub):
    for metric in ("variable_types", "dependence", "latent_correlation"):
        with pytest.raises(
            VaehubError, match=f"metric '{metric}' needs a model with posterior variances, .* 'vae' has"
        ):
            hub.run("ae", metric, settings=QUICK)
    assert not hub.store.exists


@pytest.mark.parametrize("metric", ["variable_types", "dependence", "latent_correlation"])
def test_no_more_observations_than_latents_are_refused(hub, known, data, metric):
    few = Dataset(data.x[:7])
    with pytest.raises(DataError, match="needs more observations than the 7 latents, and got 7: the split 'all' has 7"):
        hub.measure(metric, known, data=few, settings=ALL)
    with pytest.raises(DataError, match="and got 5: the split 'all' has 4000, and n_samples is 5"):
        hub.measure(metric, known, data=data, settings={**ALL, "n_samples": 5})


class Broken(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        mu = torch.where(x > 2, self.value, x)
        return mu, torch.zeros_like(mu)


@pytest.mark.parametrize("metric", ["variable_types", "dependence", "latent_correlation"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_gives_no_numbers_fails_with_the_reason(hub, metric, value):
    x = torch.zeros(50, 3)
    x[10, 1] = x[11, 1] = x[11, 2] = 3
    model = wrap(encoder=Broken(value), decoder=nn.Linear(3, 3))
    with pytest.raises(WorkFailed, match="means or variances for 2 of 50 observations, in latents 1, 2"):
        hub.measure(metric, model, data=Dataset(x), settings=ALL)


def test_a_prior_without_variance_fails_with_the_reason(conditioned, data):
    conditioned.prior = lambda batch: (torch.zeros(len(batch), 4), torch.full((len(batch), 4), -1e4))
    with pytest.raises(WorkFailed, match="of the prior for 4000 of 4000 observations, in latents 0, 1, 2, 3"):
        measured(conditioned, data)


@pytest.mark.parametrize("alpha", [0, 0.5])
def test_an_alpha_by_which_a_latent_could_be_both_is_refused(hub, alpha):
    with pytest.raises(VaehubError, match="'alpha' is"):
        hub.run("vae", "variable_types", settings={**QUICK, "metric.alpha": alpha})
