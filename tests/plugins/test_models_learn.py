"""Every model learns, on digits and on sprites, and what cannot be asked of it is refused."""

import pytest

from vaehub import Hub, VaehubError

MODELS = ["ae", "vae", "beta_vae", "annealed_vae", "beta_tc_vae", "dip_vae_i", "dip_vae_ii", "rae", "wae"]
DATA = {
    "digits": {"train.epochs": 4},
    "sprites": {"data.subset": 600, "data.size": 16, "train.epochs": 4, "network.hidden": [64]},
}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("model", MODELS)
def test_its_loss_falls(tmp_path, model, data):
    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe(model, dataset=data, settings={"model.latent_dim": 4, **DATA[data]})
    assert hub.train(recipe).status == "done"
    totals = [epoch["validation"]["total"] for epoch in hub.store.epochs(recipe.id)]
    # An annealed capacity hardly moves in so few steps: its reconstruction must.
    name = "reconstruction" if model == "annealed_vae" else "total"
    losses = [epoch["train"][name] for epoch in hub.store.epochs(recipe.id)]
    assert losses[-1] < 0.95 * losses[0]
    assert len(totals) == 4


def test_a_bound_is_refused_for_an_autoencoder_before_training(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    with pytest.raises(VaehubError, match="'elbo' needs a model whose loss has the parts reconstruction and kl"):
        hub.run("ae", "elbo", settings={"train.epochs": 1})
    assert not (tmp_path / "store").exists()


def test_relevance_of_an_autoencoder_is_that_of_its_codes(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    found = hub.run("ae", "relevance", settings={"train.epochs": 1, "model.latent_dim": 4})[0]
    assert (found["relevance"] > 0).all()
