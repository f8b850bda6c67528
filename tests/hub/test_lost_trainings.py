"""A store that is deleted between a training and what is measured of it."""

import shutil

import pytest

from vaehub import Hub, VaehubError
from vaehub.hub.builder import Builder


def test_a_training_whose_store_is_deleted_ends_in_a_sentence(tmp_path, monkeypatch):
    place = tmp_path / "store"
    hub = Hub.open(place, device="cpu")
    train = Builder.train

    def deleted(self, job, **more):
        train(self, job, **more)
        shutil.rmtree(place)

    monkeypatch.setattr(Builder, "train", deleted)
    with pytest.raises(VaehubError, match="was made and recorded, and the store has it no more"):
        hub.run("vae", "elbo", settings={"train.epochs": 1, "model.latent_dim": 2, "data.subset": 100})
