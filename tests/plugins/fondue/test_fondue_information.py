"""What searches and elbows are made of: traces, information, structure and errors of one trained model."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from torch import nn

from vaehub import Dataset, VaehubError, WorkFailed, generator, wrap
from vaehub.analysis import layer_names
from vaehub.hub.refusals import refuse
from vaehub.plugins.fondue.kernels import renyi_entropy, renyi_mutual_information, structure_preservation_index
from vaehub.plugins.fondue.latent_traces import LatentTraces
from vaehub.plugins.fondue.params import LatentTracesParams

ALL = {"split": "all"}


class Encoder(nn.Module):
    """Two precise latents of variance 4 and 1, and one that is N(0, 1) whatever the observation."""

    def forward(self, x):
        mu = torch.stack([2 * x[:, 0], x[:, 1], 0 * x[:, 2]], dim=1)
        return mu, torch.tensor([math.log(0.01), math.log(0.04), 0.0]).expand_as(mu)


@pytest.fixture
def data():
    return Dataset(torch.randn(3000, 4, generator=generator(0, "x")))


@pytest.fixture
def known():
    return wrap(encoder=Encoder(), decoder=nn.Linear(3, 4))


@pytest.fixture
def small(shared, recipe):
    return shared, recipe.vary(model={"latent_dim": 3})


# Traces


def test_traces_are_of_what_is_known(hub, known, data):
    found = hub.measure("latent_traces", known, data=data, settings=ALL)
    assert found["trace_mean"] == pytest.approx(5, rel=0.1)
    # A sum of products with noise: of the order of 2 std(mu) std(eps) / sqrt(n), for each latent.
    assert found["gap"] == pytest.approx(1.05, abs=0.08)
    assert found["gap"] == pytest.approx(found["trace_sampled"] - found["trace_mean"])
    assert found["n_samples"] == 3000
    mu = 2 * data.x[:, 0]
    assert found.result.vectors["variance_mean"].values[0] == pytest.approx(float(mu.double().var()), rel=1e-6)


def test_a_picture_of_traces_has_the_variance_of_each_latent_in_both_representations(hub, known, data):
    pytest.importorskip("matplotlib")
    found = hub.measure("latent_traces", known, data=data, settings=ALL)
    [axes] = hub.figure(found.id).axes
    order = np.argsort(-found["variance_mean"], kind="stable")
    of_mean, of_sampled = axes.containers
    assert [bar.get_height() for bar in of_mean] == found["variance_mean"][order].tolist()
    assert [bar.get_height() for bar in of_sampled] == found["variance_sampled"][order].tolist()
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(latent) for latent in order]
    assert axes.get_title() == f"gap of the traces: {found['gap']:.3g}"


def test_the_analytic_gap_is_the_mean_sum_of_variances(hub, known, data):
    found = hub.measure("latent_traces", known, data=data, settings={**ALL, "analytic": True})
    assert found["gap"] == pytest.approx(1.05, rel=1e-6)
    both = hub.measure("latent_traces", known, data=data, settings={**ALL, "analytic": True, "truncate": True})
    assert 0 < found["trace_sampled"] - both["trace_sampled"] < 0.003
    assert both.result.vectors["variance_sampled"].values * 1000 == pytest.approx(
        np.round(both.result.vectors["variance_sampled"].values * 1000), abs=1e-9
    )


def test_noise_is_that_of_the_seed(hub, known, data):
    gaps = [hub.measure("latent_traces", known, data=data, seed=seed, settings=ALL)["gap"] for seed in (0, 0, 1)]
    assert gaps[0] == gaps[1] != gaps[2]


def test_fewer_observations_are_drawn_without_replacement(hub, known, data):
    found = hub.measure("latent_traces", known, data=data, settings={**ALL, "n_samples": 50})
    rows = found.result.arrays["rows"]
    assert (found["n_samples"], len(set(rows.tolist()))) == (50, 50)


def test_what_has_no_noise_or_too_few_observations_is_refused(hub, known, data):
    with pytest.raises(
        VaehubError, match="'latent_traces' needs a model with posterior variances, and this one has none"
    ):
        hub.measure("latent_traces", hub.recipe("ae"))
    with pytest.raises(VaehubError, match="needs at least 2 observations, and got 1: the split 'all' has 1"):
        refuse(LatentTraces(LatentTracesParams(split="all")), known, Dataset(torch.ones(1, 4)))


class Broken(nn.Module):
    def forward(self, x):
        return x * math.nan, x


@pytest.mark.parametrize("metric", ["latent_traces", "information_plane"])
def test_a_model_that_gives_nan_is_said_to(hub, data, metric):
    with pytest.raises(WorkFailed, match="the model gives NaN or infinite"):
        hub.measure(metric, wrap(encoder=Broken(), decoder=nn.Linear(4, 4)), data=data, settings=ALL)


# The information plane


def test_layers_have_the_entropies_that_the_kernels_give(small):
    hub, recipe = small
    found = hub.measure("information_plane", recipe, settings={"batch": 300})
    entropy = found.result.vectors["entropy"]
    model, whole = hub.model(recipe)
    train = whole.split("train")
    assert entropy.labels == (*layer_names(model, train), "reconstruction")
    blocks = [train.batch(slice(start, start + 300)).x for start in range(0, 1500, 300)]
    assert (found["n_batches"], found["batch"], found["n_samples"]) == (5, 300, 1617)
    assert entropy.values[0] == pytest.approx(np.mean([renyi_entropy(block) for block in blocks]), rel=1e-9)
    means = model.encode_all(train).mu[:1500].split(300)
    informations = [renyi_mutual_information(x, mu) for x, mu in zip(blocks, means, strict=True)]
    at = entropy.labels.index("mean")
    assert found.result.vectors["information_input"].values[at] == pytest.approx(np.mean(informations), rel=1e-6)
    assert (entropy.values <= math.log2(300) + 1e-9).all()


def test_the_numbers_of_fondue_ib_are_those_of_the_plane(small):
    hub, recipe = small
    found = hub.measure("information_plane", recipe)
    names = found.result.vectors["entropy"].labels
    of_input, of_reconstruction = (
        found.result.vectors[f"information_{end}"].values for end in ("input", "reconstruction")
    )
    assert found["entropy_z"] == found.result.vectors["entropy"].values[names.index("sampled")]
    assert found["information_x_reconstruction"] == of_reconstruction[names.index("input")]
    # The information of x on the reconstruction is that of the reconstruction on x.
    assert of_reconstruction[0] == pytest.approx(of_input[-1], rel=1e-12)


def test_logits_and_the_batches_of_the_reference_can_be_asked_for(small):
    hub, recipe = small
    plain, logits, compat = (
        hub.measure("information_plane", recipe, settings=more) for more in ({}, {"logits": True}, {"compat": True})
    )
    assert plain["information_x_reconstruction"] != logits["information_x_reconstruction"]
    assert plain["entropy_z"] == logits["entropy_z"]
    assert compat["batch"] == 999
    assert compat["entropy_z"] == round(compat["entropy_z"], 2)


def test_order_one_is_near_two_and_a_deterministic_model_has_a_plane(hub):
    recipe = hub.recipe("ae", settings={"network.hidden": [16], "model.latent_dim": 2, "train.epochs": 1})
    found = hub.measure("information_plane", recipe, settings={"n_samples": 100, "alpha": 1.01})
    assert "variance" not in found.result.vectors["entropy"].labels
    assert 0 < found["entropy_z"] <= math.log2(100)


def test_the_plane_is_drawn_with_a_point_for_each_layer(small):
    hub, recipe = small
    found = hub.measure("information_plane", recipe)
    axes = hub.figure(found.id).axes
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    entropy = found.result.vectors["entropy"]
    assert labels == list(entropy.labels) == [tick.get_text() for tick in axes[1].get_yticklabels()]
    assert [bar.get_width() for bar in axes[1].patches] == entropy.values.tolist()
    for point, bar in zip(axes[0].collections, axes[1].patches, strict=True):
        assert same_color(point.get_facecolor()[0][:3], bar.get_facecolor()[:3]), "a layer has one colour in both"
    assert axes[1].yaxis_inverted(), "the input is at the top"


# Structure


def test_the_index_is_that_of_the_kernel(small):
    hub, recipe = small
    found = hub.measure("structure_preservation_index", recipe)
    model, whole = hub.model(recipe)
    train = whole.split("train").subset(torch.as_tensor(found.result.arrays["rows"]))
    with torch.no_grad():
        made = model.decode(model.encode_all(train).mu)
    assert found["index"] == pytest.approx(structure_preservation_index(train.x, made), rel=1e-6)
    assert found["n_samples"] == 1000
    by_pair = hub.measure("structure_preservation_index", recipe, settings={"per_pair": True})
    assert by_pair["index"] == pytest.approx(found["index"] / 1000, rel=1e-9)
    sampled = hub.measure("structure_preservation_index", recipe, settings={"z": "sampled"})
    assert sampled["index"] != found["index"]


def test_a_model_that_copies_preserves_all_structure(hub, data):
    class Copy(nn.Module):
        def forward(self, x):
            return x, torch.full_like(x, -20)

    copies = wrap(encoder=Copy(), decoder=nn.Identity())
    assert hub.measure("structure_preservation_index", copies, data=data, settings=ALL)["index"] == pytest.approx(
        0, abs=1e-9
    )
    error = hub.measure("reconstruction_error", copies, data=data, settings=ALL)
    assert (error["mse"], error["squared_error"]) == (0, 0)


def test_observations_of_nothing_are_refused(hub, known, data):
    x = data.x.clone()
    x[:7] = 0
    with pytest.raises(VaehubError, match="7 of 3000 are zero everywhere; take data without them"):
        hub.measure("structure_preservation_index", known, data=Dataset(x), settings={**ALL, "n_samples": 3000})


# Reconstruction error


def test_errors_are_of_the_decoded_means_and_the_own_term_is_that_of_the_elbo(small):
    hub, recipe = small
    found = hub.measure("reconstruction_error", recipe)
    model, whole = hub.model(recipe)
    part = whole.split("validation")
    with torch.no_grad():
        made = model.decode(model.encode_all(part).mu)
    assert found["mse"] == pytest.approx(float((made - part.x).square().mean()), rel=1e-5)
    assert found["squared_error"] == pytest.approx(64 * found["mse"])
    # One draw for each observation in both, but not the same ones.
    assert found["distortion"] == pytest.approx(hub.measure("elbo", recipe)["distortion"], rel=0.05)


def test_a_deterministic_model_has_an_error_and_elbo_has_none(hub):
    recipe = hub.recipe("ae", settings={"network.hidden": [16], "train.epochs": 1})
    found = hub.measure("reconstruction_error", recipe)
    assert set(found.result.scalars) == {"mse", "squared_error", "n_samples", "distortion"}
    sampled = hub.measure("reconstruction_error", recipe, settings={"z": "sampled"})
    assert sampled["mse"] == found["mse"], "there is nothing to draw"
    with pytest.raises(VaehubError, match="elbo"):
        hub.measure("elbo", recipe)


def test_irrelevant_latents_are_held_at_their_mean_or_lose_their_noise(small):
    hub, recipe = small
    model, whole = hub.model(recipe)
    part = whole.split("validation")
    few = {"explained": 0.6, "n_jacobian": 50}
    held = hub.measure("reconstruction_error", recipe, settings={**few, "latents": "relevant"})
    relevant = torch.as_tensor(held["relevant"]).bool()
    assert 0 < held["n_relevant"] == int(relevant.sum()) < model.latent_dim
    mu = model.encode_all(part).mu
    with torch.no_grad():
        made = model.decode(torch.where(relevant, mu, mu.mean(dim=0)))
    assert held["mse"] == pytest.approx(float((made - part.x).square().mean()), rel=1e-5)
    assert "distortion" not in held.result.scalars, "the model's own term covers all latents"

    def of(latents, z):
        return hub.measure("reconstruction_error", recipe, settings={**few, "latents": latents, "z": z})["mse"]

    assert of("relevant_noise", "mean") == of("all", "mean") < held["mse"]
    assert of("all", "mean") < of("relevant_noise", "sampled") < of("all", "sampled")


@pytest.mark.parametrize("metric", ["information_plane", "structure_preservation_index", "reconstruction_error"])
def test_a_model_without_a_decoder_is_refused(hub, metric):
    with pytest.raises(VaehubError, match=f"'{metric}' needs a model with a decoder, and this one has none; 'vae' has"):
        hub.measure(metric, hub.recipe("classifier"))
    assert not hub.store.exists
