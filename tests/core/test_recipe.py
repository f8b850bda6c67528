"""Recipes: identity is all that decides the weights."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaehub import Field, Incidental, ModelParams, Params, TrainParams, VaehubError
from vaehub.core.recipe import TRAINING_REVISION, Component, Recipe


class WidthParams(Params):
    width: int = 8


class DataParams(Params):
    n: int = 3
    root: Annotated[Path | None, Incidental()] = None


class BetaParams(ModelParams):
    beta: float = Field(1.0, ge=0)


RECIPE = Recipe(
    model=Component("vae", "vaehub", 1, BetaParams()),
    network=Component("mlp", "vaehub", 1, WidthParams()),
    dataset=Component("digits", "vaehub", 1, DataParams()),
    train=TrainParams(),
    seed=0,
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECIPE, seed=1),
        replace(RECIPE, model=replace(RECIPE.model, params=BetaParams(beta=2.0))),
        replace(RECIPE, model=replace(RECIPE.model, name="beta_vae")),
        replace(RECIPE, model=replace(RECIPE.model, revision=2)),
        replace(RECIPE, model=replace(RECIPE.model, distribution="acme")),
        replace(RECIPE, network=replace(RECIPE.network, name="cnn")),
        replace(RECIPE, network=replace(RECIPE.network, distribution="acme")),
        replace(RECIPE, network=replace(RECIPE.network, revision=2)),
        replace(RECIPE, network=replace(RECIPE.network, params=WidthParams(width=9))),
        replace(RECIPE, dataset=replace(RECIPE.dataset, name="mnist")),
        replace(RECIPE, dataset=replace(RECIPE.dataset, distribution="acme")),
        replace(RECIPE, dataset=replace(RECIPE.dataset, revision=2)),
        replace(RECIPE, dataset=replace(RECIPE.dataset, params=DataParams(n=4))),
        *(
            replace(RECIPE, train=TrainParams(**{name: value}))
            for name, value in {
                "epochs": 7,
                "batch_size": 7,
                "learning_rate": 0.7,
                "validation": 0.7,
                "lr_patience": 7,
                "lr_factor": 0.7,
                "keep": "best",
                "precision": "bfloat16",
            }.items()
        ),
    ],
)
def test_whatever_decides_the_weights_decides_the_id(changed):
    assert changed.id != RECIPE.id


def test_where_the_data_are_does_not():
    moved = replace(RECIPE, dataset=replace(RECIPE.dataset, params=DataParams(root=Path("/elsewhere"))))
    assert moved.id == RECIPE.id


def test_a_default_said_aloud_is_the_same_recipe():
    assert replace(RECIPE, train=TrainParams(epochs=TrainParams().epochs)).id == RECIPE.id


def test_a_variation_differs_in_what_was_varied():
    varied = RECIPE.vary(seed=5, model={"latent_dim": 3}, train={"epochs": 2})
    assert (varied.seed, varied.model.params.latent_dim, varied.train.epochs) == (5, 3, 2)
    assert varied.network == RECIPE.network
    assert RECIPE.vary() == RECIPE


def test_a_variation_is_checked_like_any_request():
    with pytest.raises(VaehubError, match=r"model 'vae' .*'beta' is -1"):
        RECIPE.vary(model={"beta": -1})


def test_the_id_is_the_digest_of_all_that_was_decided():
    decided = (
        '{"dataset":{"distribution":"vaehub","name":"digits","params":{"n":3},"revision":1},'
        '"model":{"distribution":"vaehub","name":"vae","params":{"beta":1.0,"latent_dim":16},"revision":1},'
        '"network":{"distribution":"vaehub","name":"mlp","params":{"width":8},"revision":1},'
        '"seed":0,"train":{"params":{"batch_size":64,"channels_last":false,"compile":false,"epochs":100,"keep":"last",'
        '"learning_rate":0.001,"lr_factor":0.5,"lr_patience":null,"precision":"float32","together":false,'
        f'"validation":0.1}},"revision":{TRAINING_REVISION}}}}}'
    )
    assert RECIPE.id == hashlib.blake2b(decided.encode(), digest_size=12).hexdigest()


@given(st.lists(st.integers(0, 2**63), unique=True, min_size=2, max_size=5))
def test_every_seed_has_an_id_of_its_own(seeds):
    assert len({RECIPE.vary(seed=seed).id for seed in seeds}) == len(seeds)


def test_equal_recipes_are_one():
    assert {RECIPE, RECIPE.vary(), replace(RECIPE, seed=0)} == {RECIPE}


def test_a_recipe_made_of_another_has_an_id_of_its_own_even_if_the_first_was_asked():
    assert RECIPE.id != RECIPE.vary(seed=1).id
    assert RECIPE.vary(seed=1).vary(seed=0).id == RECIPE.id


def test_a_variation_of_the_network_differs_in_the_network():
    varied = RECIPE.vary(network={"width": "32"})
    assert varied.network.params == WidthParams(width=32)
    assert replace(varied, network=RECIPE.network) == RECIPE


def test_a_variation_keeps_what_was_varied_before():
    varied = RECIPE.vary(train={"epochs": 2}).vary(train={"batch_size": 3})
    assert (varied.train.epochs, varied.train.batch_size) == (2, 3)


@pytest.mark.parametrize(
    ("scope", "wrong", "words"),
    [
        ("model", {"bta": 1}, "model 'vae' was given .*'bta' is not one of its parameters, did you mean 'beta'"),
        ("network", {"widht": 1}, "network 'mlp' was given .*'widht' is not one .* did you mean 'width'"),
        ("train", {"epoch": 1}, "training was given .*'epoch' is not one of its parameters, did you mean 'epochs'"),
        ("train", {"epochs": -1}, "training was given .*'epochs' is -1 and should be greater than or equal to 0"),
    ],
)
def test_a_variation_that_cannot_be_says_whose_parameter_it_is(scope, wrong, words):
    with pytest.raises(VaehubError, match=words):
        RECIPE.vary(**{scope: wrong})


def test_a_record_remembers_where_files_were_and_the_identity_does_not():
    there = replace(RECIPE, dataset=Component("digits", "vaehub", 1, DataParams(root=Path("/data"))))
    assert there.id == RECIPE.id
    assert "incidental" not in RECIPE.record()["dataset"]
    assert there.record()["dataset"]["incidental"] == {"root": "/data"}
    assert {**there.record(), "dataset": there.dataset.identity()} == RECIPE.identity()
