"""Models that do not keep their contract are found out before they are trained."""

import re
import sys
import types

import pytest
import torch

from vaehub import LatentModel, Losses, Posterior, VaehubError
from vaehub.hub.builder import Builder
from vaehub.hub.hub import Hub
from vaehub.registry import Model
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Discovered, Plugin, discover

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


class Honest(LatentModel):
    def encode(self, batch):
        return Posterior.split(self.network.encoder(batch.x))

    def decode(self, z):
        return self.network.decoder(z)

    def loss(self, batch, step):
        error = (self.decode(self.encode(batch).mu) - batch.x).square().mean()
        return Losses(error, {"reconstruction": error, "kl": error * 0})

    def prior_sample(self, n, generator):
        return torch.randn(n, self.latent_dim, generator=generator)


class WrongCode(Honest):
    def encode(self, batch):
        return Posterior(self.network.encoder(batch.x), None)


class WrongImage(Honest):
    def decode(self, z):
        return self.network.decoder(z).flatten(1)


class Crashing(Honest):
    def __init__(self, params, network, spec):
        raise ZeroDivisionError("in the constructor")


class Code(Honest):
    """A deterministic autoencoder."""

    n_statistics = 1

    def encode(self, batch):
        return Posterior(self.network.encoder(batch.x), None)


class Tactless(Honest):
    def notes(self):
        raise LookupError("no words")


@pytest.fixture
def hub(hub):
    kinds = {
        "tactless": Tactless,
        "wrong_code": WrongCode,
        "wrong_image": WrongImage,
        "crashing": Crashing,
        "code": Code,
    }
    module = types.ModuleType("builder_test_plugin")
    module.__dict__.update({kind.__name__: kind for kind in kinds.values()})
    sys.modules["builder_test_plugin"] = module
    entries = tuple(Model(name, f"builder_test_plugin:{kind.__name__}", "") for name, kind in kinds.items())
    found = discover()
    plugins = (*found.plugins, Plugin("models", "tests", "1.0", "builder_test_plugin", entries))
    yield Hub(hub.store, Catalog(Discovered(plugins, found.manager)), "cpu")
    sys.modules.pop("builder_test_plugin")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("wrong_code", r"encodes to shape \(2, 6\), expected \(2, 3\)"),
        ("wrong_image", r"decodes to shape \(2, 64\), expected \(2, 1, 8, 8\)"),
        ("crashing", "model 'crashing' on network 'mlp' cannot be made: ZeroDivisionError: in the constructor"),
    ],
)
def test_a_broken_contract_is_told_in_shapes(hub, model, words):
    with pytest.raises(VaehubError, match=words):
        hub.run(model, "elbo", settings=QUICK)
    assert hub.recent() == ([], [])


def test_a_training_whose_model_fails_to_comment_on_it_is_recorded_all_the_same(hub):
    training = hub.train(hub.recipe("tactless", settings=QUICK))
    assert training.status == "done"
    said = r"the model's own notes failed: LookupError: no words \(test_builder.py, line \d+\)"
    assert re.fullmatch(said, training.notes[0])
    assert len(hub.store.weights(training.id)) > 0


def test_a_deterministic_autoencoder_can_be_trained_and_measured(hub):
    found = hub.run("code", ["relevance", "elbo"], settings=QUICK)
    assert found[0]["relevance"].shape == (3,)


def test_a_dataset_is_remembered(hub):
    builder = Builder(hub.catalog, hub.store, "cpu")
    part = hub.recipe("vae", settings=QUICK).dataset
    assert builder.load(part) is builder.load(part)
