"""Recipes: identity is all that decides the weights."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest

from vaehub import Field, Incidental, ModelParams, Params, TrainParams, VaehubError
from vaehub.core.recipe import Part, Recipe


class DataParams(Params):
    n: int = 3
    root: Annotated[Path | None, Incidental()] = None


class BetaParams(ModelParams):
    beta: float = Field(1.0, ge=0)


RECIPE = Recipe(
    model=Part("vae", "vaehub", 1, BetaParams()),
    network=Part("mlp", "vaehub", 1, Params()),
    dataset=Part("digits", "vaehub", 1, DataParams()),
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
        replace(RECIPE, network=replace(RECIPE.network, distribution="acme")),
        replace(RECIPE, dataset=replace(RECIPE.dataset, params=DataParams(n=4))),
        replace(RECIPE, train=TrainParams(epochs=7)),
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
