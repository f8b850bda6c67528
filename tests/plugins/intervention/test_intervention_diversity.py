"""The diversity that interventions cost, as a metric."""

import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, VaehubError, wrap
from vaehub.plugins.intervention.ssim import mean_dissimilarity

QUICK = {"model.latent_dim": 4, "train.epochs": 3}
ALL = {"split": "all", "n_samples": 30}


class Encoder(nn.Module):
    """Means are the first pixels of an image less one half, and posteriors are narrow."""

    def forward(self, x):
        mu = x.flatten(1)[:, :3] - 0.5
        return mu, torch.full_like(mu, -20)


class Decoder(nn.Module):
    """Latent 0 is the contrast of a picture, latent 1 a faint pixel; latent 2 is ignored."""

    def __init__(self):
        super().__init__()
        stripes = torch.tensor([0.0, 1.0]).repeat(32).reshape(8, 8)
        self.register_buffer("images", torch.stack([stripes, torch.zeros(8, 8).index_fill(0, torch.tensor(3), 0.1)]))

    def forward(self, z):
        return (0.5 + 0.8 * torch.einsum("nl,lhw->nhw", z[:, :2], self.images))[:, None].clamp(0, 1)


@pytest.fixture
def known():
    x = torch.rand(30, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return wrap(encoder=Encoder(), decoder=Decoder()), Dataset(x)


def test_the_latent_that_makes_images_differ_costs_most_and_an_ignored_one_nothing(hub, known):
    model, data = known
    found = hub.measure("intervention_diversity", model, data=data, settings=ALL)
    cost = found["diversity_cost"]
    assert cost[0] > 0.5 * found["diversity_sample"] > cost[1] > 0
    assert cost[2] == pytest.approx(0, abs=1e-12)
    assert found["diversity_intervened"] + cost == pytest.approx(found["diversity_sample"])


def test_zero_is_what_a_latent_is_set_to_in_all_samples(hub, known):
    model, data = known
    found = hub.measure("intervention_diversity", model, data=data, settings=ALL)
    mu = data.x.flatten(1)[:, :3] - 0.5
    # Posteriors are so narrow that samples are means but for 1e-4.
    assert found["diversity_mean"] == pytest.approx(mean_dissimilarity(Decoder()(mu)), rel=1e-5)
    mu[:, 0] = 0
    assert found["diversity_intervened"][0] == pytest.approx(mean_dissimilarity(Decoder()(mu)), abs=1e-3)


def test_own_means_keep_the_differences_between_images(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    zero, own = (
        hub.measure("intervention_diversity", recipe, settings={"set_to": each}) for each in ("zero", "posterior_mean")
    )
    assert zero["diversity_sample"] == own["diversity_sample"]
    assert zero["diversity_cost"].max() > 2 * abs(own["diversity_cost"]).max()


def test_the_same_seed_gives_the_same_values_and_more_noise_others(hub):
    recipe = hub.recipe("vae", settings=QUICK)
    once, again = (hub.measure("intervention_diversity", recipe, force=True)["diversity_cost"] for _ in range(2))
    more = hub.measure("intervention_diversity", recipe, settings={"n_noise": 2})["diversity_cost"]
    assert once.tolist() == again.tolist() != more.tolist()


def test_what_has_no_windows_is_refused_before_training(hub):
    with pytest.raises(DataError, match=r"images of at least 7x7, .* have shape \(1, 6, 6\); 'intervention' takes"):
        hub.run("vae", "intervention_diversity", settings={**QUICK, "data.size": 6})
    with pytest.raises(VaehubError, match="metric 'intervention_diversity' needs a model with posterior variances"):
        hub.run("ae", "intervention_diversity", settings=QUICK)
    assert not hub.store.exists


def test_a_plot_has_a_bar_for_each_latent(hub, known):
    model, data = known
    found = hub.measure("intervention_diversity", model, data=data, settings=ALL)
    assert len(hub.figure(found.id).axes[0].patches) == 3
