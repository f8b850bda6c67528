"""Pairs of one's own, and arguments of the wrong kind."""

import numpy as np
import pytest
import torch
from torch import nn

import vaehub
from vaehub import VaehubError

QUICK = {"train.epochs": 1, "model.latent_dim": 3}


def wrapped(seed=0, name="mine", n=36):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(n, 3))
        return vaehub.wrap(encoder=encoder, decoder=nn.Sequential(nn.Linear(3, n), nn.Sigmoid()), name=name)


@pytest.fixture
def x():
    return np.random.default_rng(0).random((50, 6, 6)).astype(np.float32)


@pytest.fixture
def trained(hub, x):
    return hub.train(hub.recipe("vae", dataset=x, settings=QUICK))


def codes(model, x):
    return model.network.encoder.module(torch.from_numpy(x)[:, None]).detach()


def test_two_models_of_ones_own_are_compared_on_the_data_that_are_said(hub, x):
    mine, theirs = wrapped(0), wrapped(1, "theirs")
    expected = float((codes(mine, x) - codes(theirs, x)).norm())
    assert hub.measure("distance", (mine, theirs), data=x)["distance"] == pytest.approx(expected, rel=1e-6)
    assert hub.compare(mine, theirs, "distance", data=x).result.scalars["distance"] == pytest.approx(expected)
    assert hub.measure("distance", [mine, theirs], data=x).reused
    assert hub.measure("distance", (mine, mine), data=x)["distance"] == 0
    assert hub.measure("distance", (mine, theirs), data=x[:20])["distance"] < expected


def test_beside_a_training_the_data_are_its_own_unless_others_are_said(hub, x, trained):
    mine, other = wrapped(), np.ascontiguousarray(x[::-1][:30])
    model, data = hub.model(trained.id)
    with torch.no_grad():
        own = float((model.encode_all(data).mu - codes(mine, x)).norm())
        said = float((model.encode_all(vaehub.Dataset(other[:, None])).mu - codes(mine, other)).norm())
    recipe = hub.stored_recipe(trained.id)
    for training in (trained.id[:8], recipe, trained):
        for pair in ((mine, training), (training, mine)):
            assert hub.compare(*pair, "distance").result.scalars["distance"] == pytest.approx(own, rel=1e-5)
            assert hub.measure("distance", pair, data=other)["distance"] == pytest.approx(said, rel=1e-5)
    assert hub.recent()[1][0].training in (trained.id, hub.take(mine, other).id)


def test_the_splits_are_those_of_the_training(hub, x, trained):
    # A metric of pairs looks at the split 'train' of the data: a model of one's own has another one.
    of_training = hub.measure("cka", (trained.id, trained.id), settings={"layers": ["mean"]})
    beside = hub.measure("cka", (wrapped(), trained.id), settings={"layers": ["mean"]})
    assert beside["n_samples"] == of_training["n_samples"]


def test_a_model_of_ones_own_is_compared_with_each_seed_of_the_other(hub, x):
    recipe = hub.recipe("vae", dataset=x, settings=QUICK)
    found = hub.compare(wrapped(), recipe, "distance", seeds=[0, 1])
    assert [each.record.other for each in found.measurements] == [recipe.vary(seed=seed).id for seed in (0, 1)]
    with pytest.raises(VaehubError, match="models of your own are as they are and have no seeds"):
        hub.compare(wrapped(), wrapped(1), "distance", seeds=[0, 1], data=x)


@pytest.mark.parametrize(
    ("pair", "data", "says"),
    [
        (lambda own, recipe: (own, own), None, "two models of your own are compared on data; say which: data='mnist'"),
        (lambda own, recipe: (recipe, recipe), "digits", "had other data, 'data'; hand over the same"),
        (
            lambda own, recipe: (own, own, own),
            "digits",
            r"a pair is two trainings or models, \(a, b\), and 3 were given",
        ),
        (lambda own, recipe: (own, 3), "digits", "a recipe or the id of a training was expected, and an int was given"),
        (lambda own, recipe: (nn.Linear(2, 2), own), "digits", "a Linear is a torch module .*: vaehub.wrap"),
        (lambda own, recipe: (own, recipe), "digits", r"the encoder cannot take observations of shape \(1, 8, 8\)"),
        (lambda own, recipe: own, "digits", r"metric 'cka' measures a pair, and a vaehub.Wrapped was given; give two"),
        (
            lambda own, recipe: np.ones(3),
            None,
            r"and an array of shape \(3,\) and type float64 was given; give two recipes",
        ),
    ],
)
def test_what_is_no_pair_is_refused(hub, x, pair, data, says):
    recipe = hub.recipe("vae", dataset=x, settings=QUICK)
    with pytest.raises(VaehubError, match=says):
        hub.measure("cka", pair(wrapped(), recipe), data=data)
    assert not hub.store.exists


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda hub: hub.measure("elbo", 3), "metric 'elbo' measures a model, and an int was given; give a recipe"),
        (lambda hub: hub.measure("elbo", None), "and a NoneType was given"),
        (
            lambda hub: hub.measure("elbo", np.ones((3, 2))),
            r"and an array of shape \(3, 2\) and type float64 was given",
        ),
        (lambda hub: hub.measure("elbo", (1, 2)), "and a tuple was given"),
        (lambda hub: hub.measure("elbo", nn.Linear(2, 2), data="digits"), "is a torch module .* vaehub.wrap"),
        (lambda hub: hub.measure("spread", wrapped(), data="digits"), "measures a dataset, and a vaehub.Wrapped was"),
        (lambda hub: hub.compare(hub.recipe("vae"), hub.recipe("vae"), "cka", data="digits"), "have theirs"),
        (lambda hub: hub.measure("spread", "digits", data="mnist"), "a recipe and a training have theirs"),
        (lambda hub: hub.measure(3, "digits"), "a metric is named by a text, such as 'elbo', and an int was given"),
        (lambda hub: hub.measure("spread", "digits", seed="a"), "seed is 'a' and should be a whole number"),
        (lambda hub: hub.measure("spread", "digits", settings=[1]), "settings are a mapping from names to values"),
        (
            lambda hub: hub.run(wrapped(), "elbo"),
            r"a model is named by a text, .* Hub.measure\(METRIC, model, data=…\)",
        ),
        (lambda hub: hub.run("vae", None), "a metric is named by a text"),
        (lambda hub: hub.run("vae", ["elbo", 3]), "a metric is named by a text"),
        (lambda hub: hub.run("vae", "elbo", network=3), "a network is named by a text, such as 'mlp'"),
        (lambda hub: hub.run("vae", "elbo", seed=1.5), "seed is 1.5 and should be a whole number"),
        (lambda hub: hub.run("vae", "elbo", seed="0"), "seed is '0' and should be a whole number"),
        (lambda hub: hub.run("vae", "elbo", seed=True), "seed is True and should be a whole number"),
        (lambda hub: hub.run("vae", "elbo", settings="a"), "settings are a mapping"),
        (lambda hub: hub.run("vae", "elbo", at_epochs="a"), "an epoch to measure after is 'a'"),
        (lambda hub: hub.compare(None, 3, "cka"), "was expected, and a NoneType was given"),
        (lambda hub: hub.train(3), "a recipe or the id of a training was expected, and an int was given"),
        (lambda hub: hub.model(None), "and a NoneType was given; Hub.recipe makes a recipe"),
        (lambda hub: hub.compare("a", "b", 3), "a metric is named by a text"),
        (lambda hub: hub.compare(wrapped(), wrapped(), "elbo", data="digits"), "metric 'elbo' measures a model"),
        (lambda hub: hub.holding(np.ones(3)), "a dataset is named by a text"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused_in_a_sentence(hub, call, says):
    with pytest.raises(VaehubError, match=says):
        call(hub)
    assert not hub.store.exists


def test_numbers_of_numpy_are_numbers(hub, x):
    [found] = hub.run("vae", "elbo", dataset=x, seed=np.int64(1), at_epochs=(), settings=QUICK)
    assert found.record.seed == 1
    assert len(hub.run("vae", "elbo", dataset=x, seed=range(2), at_epochs=1, settings=QUICK | {"train.epochs": 2})) == 4
