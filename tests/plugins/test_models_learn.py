"""Every model learns, on digits and on sprites, and what cannot be asked of it is refused."""

import pytest
import torch

from vaehub import Hub, VaehubError, generator

SETTINGS = {
    "ae": {},
    "vae": {},
    "beta_vae": {},
    "annealed_vae": {},
    "factor_vae": {"model.discriminator_width": 50},
    "beta_tc_vae": {},
    "dip_vae_i": {},
    "dip_vae_ii": {},
    "ivae": {},
    "ard": {},
    "rae": {},
    "wae": {},
    "linear_vae": {"train.learning_rate": 0.01},
    "classifier": {"train.learning_rate": 5e-3},
    "geco_l0_arm": {},
    "mask_aae": {"train.learning_rate": 2e-4, "model.critic_hidden": [64, 64]},
}
DATA = {
    "digits": {"train.epochs": 4},
    "sprites": {"data.subset": 600, "data.size": 16, "train.epochs": 4},
}
WATCHED = {
    # A capacity that rises, a multiplier that moves, and weights that double change the total: its core must fall.
    "annealed_vae": "reconstruction",
    "geco_l0_arm": "reconstruction",
    "mask_aae": "reconstruction",
    "classifier": "cross_entropy",
}


def test_no_model_is_left_out():
    assert {each.entry.name for each in Hub.open("unused").catalog.entries("model")} == set(SETTINGS)


@pytest.mark.parametrize("data", ["digits", pytest.param("sprites", marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", SETTINGS)
def test_its_loss_falls(tmp_path, model, data):
    hub = Hub.open(tmp_path / "store", device="cpu")
    network = {"network": "linear"} if model == "linear_vae" else {}
    hidden = {} if network or data == "digits" else {"network.hidden": [64]}
    settings = {"model.latent_dim": 4, **DATA[data], **hidden, **SETTINGS[model]}
    recipe = hub.recipe(model, dataset=data, settings=settings, **network)
    assert hub.train(recipe).status == "done"
    epochs = hub.store.epochs(recipe.id)
    assert len(epochs) == 4
    for part in ("train", "validation"):
        losses = [epoch[part][WATCHED.get(model, "total")] for epoch in epochs]
        assert losses[-1] < losses[0] - 0.005 * abs(losses[0])


@pytest.mark.parametrize("model", SETTINGS)
def test_it_comes_back_from_the_store_as_it_was(tmp_path, model):
    hub = Hub.open(tmp_path / "store", device="cpu")
    network = {"network": "linear"} if model == "linear_vae" else {}
    settings = {"model.latent_dim": 4, **SETTINGS[model], "train.epochs": 1}
    recipe = hub.recipe(model, settings=settings, **network)
    hub.train(recipe)
    first, data = hub.model(recipe)
    again, _ = Hub.open(tmp_path / "store", device="cpu").model(recipe)
    part = data.split("validation")
    assert torch.equal(first.encode_all(part).mu, again.encode_all(part).mu)
    if first.decodes:
        z = torch.randn(5, 4, generator=generator(0))
        assert torch.equal(first.decode(z), again.decode(z))
        assert first.decode(z).shape == (5, 1, 8, 8)


def test_a_bound_is_refused_for_an_autoencoder_before_training(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match="'elbo' needs a model whose loss has the terms reconstruction and kl"):
        hub.run("ae", "elbo", settings={"train.epochs": 1})
    assert not (tmp_path / "store").exists()


def test_relevance_of_an_autoencoder_is_that_of_its_codes(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    found = hub.run("ae", "relevance", settings={"train.epochs": 1, "model.latent_dim": 4})[0]
    assert (found["relevance"] > 0).all()


def test_a_classifier_has_nothing_to_be_relevant_and_says_so_before_training(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match="'relevance' needs a model with a decoder, and this one has none"):
        hub.run("classifier", "relevance", settings={"train.epochs": 1})
    assert not (tmp_path / "store").exists()
