"""Both models learn on digits, and go on where they stopped."""

import pytest
import torch
from checkpoints import Interrupted, Memory
from pruned_samples import geco, mask, train

from vaehub import Hub

SETTINGS = {
    "geco_l0_arm": {"model.tau": 2, "train.epochs": 8},
    "mask_aae": {"model.critic_hidden": [32], "train.epochs": 4, "train.learning_rate": 3e-4},
}
BUILD = {"geco_l0_arm": lambda: geco(tau=0.6), "mask_aae": lambda: mask(doubling_steps=5, slow_after=10)}


@pytest.mark.parametrize("model", SETTINGS)
def test_its_reconstruction_falls_on_digits(tmp_path, model):
    hub = Hub.open(tmp_path / "store", device="cpu")
    recipe = hub.recipe(model, settings={"model.latent_dim": 8, "network.hidden": [64], **SETTINGS[model]})
    assert hub.train(recipe).status == "done"
    for part in ("train", "validation"):
        found = [epoch[part]["reconstruction"] for epoch in hub.store.epochs(recipe.id)]
        assert found[-1] < 0.9 * found[0]


@pytest.mark.parametrize("model", BUILD)
def test_a_resumed_training_ends_with_the_bits_of_one_that_never_stopped(model):
    whole, resumed, memory = BUILD[model](), BUILD[model](), Memory()
    history = train(whole)

    def interrupt(record):
        if record.index == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(BUILD[model](), checkpoint=memory, on_epoch=interrupt)
    resumed_history = train(resumed, checkpoint=memory)
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    assert [record.losses for record in resumed_history] == [record.losses for record in history]


@pytest.mark.parametrize("model", BUILD)
def test_the_same_seed_gives_the_same_bits(model):
    first, second = BUILD[model](), BUILD[model]()
    train(first)
    train(second)
    assert all(torch.equal(first.state_dict()[name], value) for name, value in second.state_dict().items())


def test_relevance_counts_the_latents_that_gates_and_masks_keep(tmp_path):
    hub = Hub.open(tmp_path / "store", device="cpu")
    for model in SETTINGS:
        settings = {"model.latent_dim": 8, "network.hidden": [16], **SETTINGS[model], "train.epochs": 1}
        found = hub.run(model, "relevance", settings=settings)[0]
        trained, _ = hub.model(hub.recipe(model, settings=settings))
        assert found["n_selected"] == int(trained.active.sum()) > 0
        assert torch.equal(trained.selected_latents, trained.active)
