"""Which representation, latents and factors are scored."""

import pytest
import torch
from disentanglement_samples import FEW_GROUPS, MATRICES, SCALARS, every, measured, model_of
from torch import nn

from vaehub import VaehubError, wrap

# Which latents, and which representation


@every
def test_samples_of_a_collapsed_model_say_nothing_where_its_means_do(name, data):
    model = model_of(lambda x: 1e-2 * x[:, :3], data, logvar=(0.0, 0.0, 0.0))
    asked = {"threshold": 0} if name == "factor_vae_score" else {}
    mean, sampled = (
        measured(name, model, data, representation=each, **asked).scalars[SCALARS[name]] for each in ("mean", "sampled")
    )
    if name in ("sap", "beta_vae_score"):  # classifiers see means as they are, and these are small
        assert sampled < (0.1 if name == "sap" else 0.5)
    elif name == "modularity":  # relative to the greatest of nothing, all is something
        assert mean > 0.95 > sampled
    else:
        assert mean > 0.9
        assert sampled < (0.5 if name in FEW_GROUPS else 0.45)


@pytest.mark.parametrize(
    ("asked", "latents"),
    [("all", (0, 1, 2, 3, 4)), ("active", (0, 1, 3)), ("without_passive", (0, 1, 3, 4)), ((3, 1, 3), (1, 3))],
)
def test_latents_are_chosen_by_type_or_by_number(data, asked, latents):
    model = model_of(lambda x: x[:, [0, 1, 3, 2, 0]], data, logvar=(-8.0, -3.0, 0.0, -4.0, -0.7))
    for name in ("mig", "factor_vae_score"):
        result = measured(name, model, data, latents=asked)
        assert result.scalars["n_latents"] == len(latents)
        assert tuple(dict.fromkeys(result.tables[MATRICES[name][0]].keys["latent"])) == latents


def test_types_are_in_units_of_the_prior_and_passive_means_follow_it(data):
    model = model_of(lambda x: x[:, :3] * torch.tensor([1.0, 0, 0]), data, logvar=(-3.0, -3.0, -9.0))
    model.prior = lambda batch: (torch.zeros(len(batch), 3), torch.full((len(batch), 3), -3.0))
    by_type = {
        kind: measured("mig", model, data, latents=kind).tables["information"].keys["latent"][::3]
        for kind in ("active", "without_passive")
    }
    # Latent 0 has the prior's variance, and means that tell observations apart.
    assert by_type == {"active": (2,), "without_passive": (0, 2)}


@pytest.fixture(scope="module")
def copied(data):
    """A latent for each factor, and a copy of each that the decoder ignores."""
    model = model_of(lambda x: x[:, [0, 0, 1, 1, 2, 2]], data, logvar=(-8.0,) * 6)
    with torch.no_grad():
        model.users_own[1].weight.zero_()[:, ::2] = torch.eye(4)[:, :3]
    return model


@every
def test_relevant_latents_alone_are_scored(name, data, copied):
    found = measured(name, copied, data, latents="relevant")
    assert found.scalars == measured(name, copied, data, latents=(0, 2, 4)).scalars
    assert found.scalars["n_latents"] == 3


def test_copies_that_the_decoder_ignores_close_the_gap_and_relevant_latents_open_it(data, copied):
    assert measured("mig", copied, data).scalars["mig"] == 0
    assert measured("mig", copied, data, latents="relevant").scalars["mig"] > 0.95
    assert measured("factor_vae_score", copied, data, latents="relevant").scalars["factor_vae_score"] == 1
    # Of three equal latents of a variance that grows, the last has two thirds of the relevance or more.
    assert measured("mig", copied, data, latents="relevant", explained=0.4).scalars["n_latents"] == 1


def test_a_model_without_relevance_has_nothing_to_score(data):
    model = model_of(lambda x: x[:, :3], data)
    with torch.no_grad():
        model.users_own[1].weight.zero_()
    with pytest.raises(VaehubError, match="no latent has any relevance, so there is none to score; '-s metric.latents"):
        measured("mig", model, data, latents="relevant")


def test_only_factors_that_are_named_are_scored(data, ideal):
    result = measured("mig", ideal, data, factors=("place", "colour", "place"))
    assert result.tables["factors"].keys["factor"] == ("place", "colour")
    assert result.tables["information"].keys["factor"] == ("place",) * 3


def test_a_deterministic_model_has_its_means_scored(data):
    model = wrap(encoder=nn.Linear(4, 3), decoder=nn.Linear(3, 4))
    model.encode_all(data.first(1))
    assert 0 <= measured("mig", model, data).scalars["mig"] <= 1
    for asked in ({"latents": "active"}, {"representation": "sampled"}):
        with pytest.raises(
            VaehubError,
            match="metric 'mig' needs a model with posterior variances, and this one has none; '-s metric.lat",
        ):
            measured("mig", model, data, **asked)
