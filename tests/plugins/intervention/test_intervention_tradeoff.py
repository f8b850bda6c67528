"""What is gained and lost when significant latents are set together, as a metric."""

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, Result, VaehubError, wrap
from vaehub.plugins.intervention.intervention_tradeoff import InterventionTradeoff
from vaehub.plugins.intervention.ssim import mean_dissimilarity

QUICK = {"model.latent_dim": 4, "train.epochs": 3}
DEVIATIONS = torch.tensor([0.0001, 0.2, 0.05])
ALL = {"split": "all", "n_samples": 60, "n_images": 30}


class Encoder(nn.Module):
    """Means are the first pixels of three quarters of an image; the second latent is noise for the most part."""

    def forward(self, x):
        mu = x.flatten(1)[:, :3] - 0.5
        return mu, DEVIATIONS.square().log().expand_as(mu)


class Decoder(nn.Module):
    """Each latent is the contrast of stripes on rows of its own, so that latents do not interact."""

    def forward(self, z):
        stripes = torch.tensor([0.0, 1.0]).repeat(4)
        rows = 0.5 + 0.3 * z[:, :, None] * stripes
        return torch.cat([row[:, None].expand(-1, 3, -1) for row in rows.unbind(1)], dim=1)[:, None]


@pytest.fixture(scope="module")
def data():
    x = torch.rand(60, 1, 9, 8, generator=torch.Generator().manual_seed(0))
    x.flatten(1)[:, 1] = 0.5  # The second latent has the same mean for all: it tells no images apart.
    return Dataset(x)


@pytest.fixture(scope="module")
def found(data):
    metric = InterventionTradeoff(InterventionTradeoff.Params(**ALL, n_noise=4))
    model = wrap(encoder=Encoder(), decoder=Decoder())
    model.meet(data.batch(slice(0, 2)), data.spec)
    with torch.no_grad():
        return metric.measure(model, data)


def test_latents_are_set_from_the_greatest_ratio_down_and_the_error_falls_to_that_of_means(found):
    assert found.vectors["order"].values.tolist() == [1, 2, 0]
    # Each latent adds its variance to the error of its own rows; means of 240 squares vary by sqrt(2 / 240).
    expected = DEVIATIONS.square() / DEVIATIONS.square().sum()
    assert found.vectors["ratio"].values == pytest.approx(expected.numpy(), abs=0.1)
    errors, share = found.vectors["joint_error"].values, found.vectors["joint_share"].values
    assert errors[[0, -1]] == pytest.approx([found.scalars["recon_sample"], found.scalars["recon_mean"]])
    assert share[[0, -1]].tolist() == [0, 1]
    # Latents do not interact, so that shares are the ratios, summed up.
    assert np.diff(share) == pytest.approx(found.vectors["ratio"].values[[1, 2, 0]], abs=1e-4)


def test_setting_the_noisy_latent_removes_the_error_keeps_images_diverse_and_ends_the_variety_of_samples(found):
    diversity, variety = (found.vectors[name].values for name in ("diversity_share", "variety_share"))
    assert diversity[0] == variety[0] == 1
    assert found.scalars["significant_dims"] == 1
    assert found.scalars["threshold"] == 0.5
    assert found.scalars["significant_share"] == found.vectors["joint_share"].values[1] > 0.85
    assert found.scalars["significant_variety"] == variety[1] < 0.3
    assert found.scalars["significant_diversity"] == diversity[1] > 0.6
    assert variety[-1] == pytest.approx(0, abs=1e-9)


def test_diversity_is_that_of_the_first_images_decoded(data):
    model = wrap(encoder=Encoder(), decoder=Decoder())
    model.meet(data.batch(slice(0, 2)), data.spec)
    metric = InterventionTradeoff(InterventionTradeoff.Params(**ALL))
    with torch.no_grad():
        found = metric.measure(model, data)
        means = metric.draw(model, data, ascending=False).mu[:30].float()
    # When all latents are set, what is compared is what means decode to.
    last = found.scalars["diversity_sample"] * found.vectors["diversity_share"].values[-1]
    assert last == pytest.approx(mean_dissimilarity(Decoder()(means)), rel=1e-6)


def test_samples_are_those_of_the_intervention_analysis(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    both, single = (hub.measure(name, recipe) for name in ("intervention_tradeoff", "intervention"))
    for name in ("recon_sample", "recon_mean", "recon_difference", "significant_dims", "threshold"):
        assert both[name] == pytest.approx(single[name])
    assert both["ratio"] == pytest.approx(single["ratio"], rel=1e-4)
    assert both["order"].tolist() == (-single["ratio"]).argsort().tolist()
    again = hub.measure("intervention_tradeoff", recipe, force=True)
    assert again["variety_share"].tolist() == both["variety_share"].tolist()


def test_where_nothing_is_sampled_no_share_is_made_up(data):
    class Sure(nn.Module):
        def forward(self, x):
            mu = x.flatten(1)[:, :3] - 0.5
            return mu, torch.full_like(mu, -200)

    model = wrap(encoder=Sure(), decoder=Decoder())
    model.meet(data.batch(slice(0, 2)), data.spec)
    metric = InterventionTradeoff(InterventionTradeoff.Params(**ALL))
    with torch.no_grad():
        found = metric.measure(model, data)
    assert found.scalars["ratios_are_undefined"]
    assert np.isnan(found.vectors["joint_share"].values).all()
    assert np.isnan(found.vectors["variety_share"].values).all()
    assert np.isnan(found.scalars["significant_dims"])
    assert np.isnan(found.scalars["significant_diversity"])
    # Images differ all the same, and setting latents to where they are changes nothing.
    assert found.vectors["diversity_share"].values == pytest.approx(np.ones(4))
    assert not metric.plot(found).axes[0].get_title()


def test_what_it_cannot_compare_is_refused_before_training(hub):
    with pytest.raises(DataError, match=r"images of at least 7x7, .*; 'joint_intervention' takes any"):
        hub.run("vae", "intervention_tradeoff", settings={**QUICK, "data.size": 6})
    with pytest.raises(VaehubError, match="metric 'intervention_tradeoff' needs a model with posterior variances"):
        hub.run("ae", "intervention_tradeoff", settings=QUICK)
    with pytest.raises(VaehubError, match=r"'intervention_tradeoff' was given significance 5, .* above 1"):
        hub.run("vae", "intervention_tradeoff", settings={**QUICK, "metric.significance": 5})
    assert not hub.store.exists


def test_the_picture_has_the_stored_shares_the_latents_and_the_significant_ones():
    colors = pytest.importorskip("matplotlib.colors")
    vectors = {
        "order": [1, 0],
        "joint_share": [0.0, 0.8, 1.0],
        "diversity_share": [1.0, 0.95, 0.9],
        "variety_share": [1.0, 0.4, 0.0],
    }
    axes = InterventionTradeoff(InterventionTradeoff.Params()).plot(Result({"significant_dims": 1}, vectors)).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    for label, name, colour in (
        ("error of sampling removed", "joint_share", "#0072B2"),
        ("diversity of images kept", "diversity_share", "#E69F00"),
        ("variety of one image's samples kept", "variety_share", "#009E73"),
    ):
        assert lines[label].get_ydata().tolist() == vectors[name]
        assert colors.same_color(lines[label].get_color(), colour)
    assert [each.get_text() for each in axes.get_xticklabels()] == ["none", "1", "0"]
    assert axes.lines[-1].get_xdata() == [1, 1]
    assert axes.get_title() == "1 of 2 latents are significant (line)"
