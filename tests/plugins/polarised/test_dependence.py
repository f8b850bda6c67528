"""How much latents depend on each other, as a metric."""

import math

import pytest
import torch
from torch import nn

from vaehub import Dataset, VaehubError, wrap
from vaehub.plugins.polarised.dependence import SUBSETS
from vaehub.plugins.polarised.kernels import averaged_mutual_information, effective_rank, total_correlation

ALL = {"split": "all"}
QUICK = {"model.latent_dim": 4, "train.epochs": 2}


def row(found, representation, subset):
    table = found.result.tables["dependence"]
    keys = list(zip(table.keys["representation"], table.keys["subset"], strict=True))
    at = keys.index((representation, subset))
    return {name: float(column[at]) for name, column in table.columns.items()}


class Encoder(nn.Module):
    """Latents of x, with some variances."""

    def __init__(self, latents, logvar):
        super().__init__()
        self.latents, self.logvar = latents, logvar

    def forward(self, x):
        mu = self.latents(x)
        return mu, torch.tensor(self.logvar).expand_as(mu)


def model_of(latents, logvar):
    return wrap(encoder=Encoder(latents, logvar), decoder=nn.Linear(len(logvar), 4))


def test_each_subset_has_what_the_kernels_give(hub, known, data):
    found = hub.measure("dependence", known, data=data, settings=ALL)
    mu, _ = known.network.encoder.module(data.x)
    latents = {
        "all": range(7),
        "without_passive": [1, 2, 3, 5, 6],
        "active": [1, 3, 5],
        "without_mixed": [0, 1, 3, 4, 5],
    }
    for subset, some in latents.items():
        values = row(found, "mean", subset)
        r = mu[:, list(some)]
        assert values["total_correlation"] == pytest.approx(total_correlation(r), rel=1e-9)
        assert values["averaged_mutual_information"] == pytest.approx(averaged_mutual_information(r), rel=1e-9)
        assert values["effective_rank"] == pytest.approx(effective_rank(r), rel=1e-9)
        assert values["n_latents"] == len(some)
    assert (found["n_active"], found["n_mixed"], found["n_passive"], found["n_samples"]) == (3, 2, 2, 4000)


def test_passive_latents_raise_total_correlation_of_the_mean_and_not_of_the_sampled_representation(hub, data):
    """Means of passive latents are faint copies of active ones; their samples are noise."""
    mu = lambda x: torch.stack([x[:, 0], x[:, 1], 1e-2 * x[:, 0] + 1e-3 * x[:, 2], 1e-2 * x[:, 1]], dim=1)  # noqa: E731
    found = hub.measure("dependence", model_of(mu, [-5.0, -5.0, 0.0, 0.0]), data=data, settings=ALL)
    for representation, lowest, highest in (("mean", 2, math.inf), ("sampled", 0, 0.01)):
        added = (
            row(found, representation, "all")["total_correlation"]
            - row(found, representation, "without_passive")["total_correlation"]
        )
        assert lowest <= added <= highest
    assert row(found, "mean", "all")["effective_rank"] < 2.1
    assert row(found, "sampled", "all")["effective_rank"] > 3.9


def test_only_subsets_of_two_latents_or_more_are_there(hub, data):
    found = hub.measure("dependence", model_of(lambda x: x[:, :3], [-5.0, -5.0, 0.0]), data=data, settings=ALL)
    subsets = found.result.tables["dependence"].keys["subset"]
    assert list(subsets) == ["all", "without_passive", "without_mixed", "active"] * 2
    assert set(subsets) < set(SUBSETS)


def test_a_copy_is_stored_as_infinite_and_a_constant_as_undefined_each_with_its_flag(hub, data):
    copy = lambda x: torch.stack([x[:, 0], 2 * x[:, 0], x[:, 1], torch.full_like(x[:, 0], 0.3)], dim=1)  # noqa: E731
    found = hub.measure("dependence", model_of(copy, [-5.0, -5.0, 0.0, 0.0]), data=data, settings=ALL)
    values = row(found, "mean", "active")
    assert (values["total_correlation"], values["is_singular"], values["n_constant"]) == (math.inf, 1, 0)
    values = row(found, "mean", "all")
    assert math.isnan(values["total_correlation"])
    assert (values["is_singular"], values["n_constant"]) == (0, 1)
    assert math.isfinite(values["averaged_mutual_information"])
    assert math.isfinite(row(found, "sampled", "all")["total_correlation"])
    rows = hub.sql(
        "select value from results where name = 'total_correlation' and (keys ->> '$.subset') = 'active' "
        "and (keys ->> '$.representation') = 'mean'"
    )
    assert [tuple(each) for each in rows] == [(math.inf,)]
    texts = [text.get_text() for text in hub.figure(found.id).axes[0].texts]
    assert sorted(texts) == ["undefined", "undefined", "∞", "∞"]


def test_the_effective_rank_of_data_and_other_bins_can_be_asked_for(hub, known, data):
    found = hub.measure("dependence", known, data=data, settings={**ALL, "of": "data", "bins": 5})
    mu, _ = known.network.encoder.module(data.x)
    values = row(found, "mean", "all")
    assert values["effective_rank"] == pytest.approx(effective_rank(mu, of="data"), rel=1e-9)
    assert values["averaged_mutual_information"] == pytest.approx(averaged_mutual_information(mu, bins=5), rel=1e-9)


def test_the_same_seed_gives_the_same_values(hub, known, data):
    once, again, other = (
        hub.measure("dependence", known, data=data, seed=seed, settings=ALL, force=True) for seed in (0, 0, 1)
    )
    assert row(once, "sampled", "all") == row(again, "sampled", "all") != row(other, "sampled", "all")


def test_one_latent_has_no_other_to_depend_on(hub):
    for metric in ("dependence", "latent_correlation"):
        with pytest.raises(VaehubError, match=f"metric '{metric}' needs at least 2 latents, and this model has 1"):
            hub.run("vae", metric, settings={**QUICK, "model.latent_dim": 1})
    assert not hub.store.exists


def test_a_picture_has_a_panel_for_each_quantity(hub, known, data):
    figure = hub.figure(hub.measure("dependence", known, data=data, settings=ALL).id)
    assert [len(axes.patches) for axes in figure.axes] == [10, 10, 10]
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["all (7)", "without passive (5)", "active (3)", "mixed (2)", "passive (2)"]


def test_a_trained_model_is_measured(hub):
    found = hub.run("beta_vae", "dependence", settings={**QUICK, "model.beta": 2})[0]
    assert 1 <= row(found, "sampled", "all")["effective_rank"] <= 4


def test_images_are_measured_as_vectors_are(hub):
    x = torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model = model_of(lambda x: x.flatten(1)[:, :3], [-5.0, -5.0, 0.0])
    model.network.decoder.module = nn.Sequential(nn.Linear(3, 16), nn.Sigmoid())
    assert hub.measure("dependence", model, data=Dataset(x), settings=ALL)["n_samples"] == 60
