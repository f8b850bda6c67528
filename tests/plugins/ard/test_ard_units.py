"""The study's weights are the paper's in the units of our errors; learning rates fall where the paper's do."""

import math

import pytest
import torch

from vaehub import DataSpec, likelihood
from vaehub.files import checksum
from vaehub.hub.study.definition import Definition
from vaehub.hub.study.grid import cells_of
from vaehub.plugins.features import weights
from vaehub.plugins.models.pruned.kernels import steps_to_move
from vaehub.plugins.models.pruned.mask import LARGEST_START
from vaehub.registry.catalog import Catalog
from vaehub.store.published import Paper

CATALOG = Catalog()
STUDY = Definition("ard", next(each for each in CATALOG.entries("study") if each.entry.name == "ard").read())
PRUNED = ("geco_l0_arm", "mask_aae")
OURS = {"dsprites": "sprites", "shapes3d": "scenes"}
WEIGHTS = {
    ("ard", "beta"): "beta",
    ("beta_tc_vae", "beta"): "beta",
    ("dip_vae_i", "lambda_od"): "lambda_off_diagonal",
    ("dip_vae_i", "lambda_d"): "lambda_diagonal",
    ("dip_vae_ii", "lambda_od"): "lambda_off_diagonal",
    ("dip_vae_ii", "lambda_d"): "lambda_diagonal",
    ("wae", "reconstruction_scalar"): "reconstruction_weight",
    ("wae", "beta"): "mmd_weight",
    ("rae", "beta"): "latent_weight",
    ("rae", "decoder_l2"): "decoder_weight",
    ("geco_l0_arm", "tau"): "tau",
}
"""Our parameter for each one of Table S6."""


@pytest.fixture(autouse=True)
def _weights_of_inception(tmp_path, monkeypatch):
    """Put a file where the weights of Inception are looked for, which recipes do not need."""
    path = tmp_path / weights.INCEPTION_NAMES[0]
    path.write_bytes(b"weights")
    monkeypatch.setenv("VAEHUB_DATA", str(tmp_path))
    monkeypatch.setattr(weights, "INCEPTION_CHECKSUM", checksum(path, "sha256"))


def recipes(*scales):
    cells = [cell for scale in scales for cell in cells_of(STUDY.at(scale), CATALOG, str)]
    return {cell.request.subject.what.id: cell.request.subject.what for cell in cells}.values()


@pytest.fixture(scope="module")
def published():
    """The values of Table S6 by model, our data and our parameter."""
    figures = Paper("ard", CATALOG.find("published", "ard").read()).figures()
    table = [figure for figure in figures if figure.table == "S6" and figure.value is not None]
    assert len(table) > 30
    return {
        (
            figure.keys["model"],
            OURS.get(figure.keys["dataset"], figure.keys["dataset"]),
            WEIGHTS[figure.keys["model"], figure.name],
        ): figure.value
        for figure in table
    }


def error_of_one(recipe):
    """The reconstruction term of one value that is wrong by 1, beyond that of one that is right."""
    built = likelihood(recipe.model.params, DataSpec((1,), in_unit_interval=False))
    return float(
        built.reconstruction(torch.ones(1, 1), torch.zeros(1, 1)) - built.reconstruction(*torch.zeros(2, 1, 1))
    )


def share_of_the_papers_error(recipe):
    """The reconstruction term as a share of the paper's, whose images of faces are twice as far from each other."""
    if recipe.model.params.likelihood == "bernoulli":
        return 1.0
    return error_of_one(recipe) / (4 if recipe.dataset.name == "celeba" else 1)


def test_weights_at_full_size_are_those_of_table_s6(published):
    compared = set()
    for recipe in recipes("paper", "photographs"):
        share = share_of_the_papers_error(recipe)
        for (model, dataset, parameter), value in published.items():
            if (recipe.model.name, recipe.dataset.name) == (model, dataset):
                # A weight stands against the error; a bound is one of the error itself.
                found = getattr(recipe.model.params, parameter)
                assert found == pytest.approx(value * share), (model, dataset, parameter)
                assert share == 1 or parameter == "tau", (model, dataset)
                compared.add((model, dataset, parameter))
    assert compared == set(published)


def test_faces_have_the_papers_error_in_all_models_that_weigh_it_against_something():
    faces = [recipe for recipe in recipes("photographs") if recipe.dataset.name == "celeba"]
    weighed = [recipe for recipe in faces if recipe.model.name not in PRUNED]
    assert {recipe.model.name for recipe in weighed} == {"vae", "beta_tc_vae", "rae", "wae", "ard"}
    assert [error_of_one(recipe) for recipe in weighed] == pytest.approx([4.0] * len(weighed))
    # By hand for one row: ARD-VAE's beta is 1 against the squared error of images in [-1, 1].
    ard = next(recipe for recipe in faces if recipe.model.name == "ard")
    x, z = torch.rand(3, 12), torch.randn(3, 12)
    built = likelihood(ard.model.params, DataSpec((12,), in_unit_interval=True))
    mean, x_there, mean_there = built.mean(z), 2 * x - 1, 2 * built.mean(z) - 1
    ours = built.reconstruction(z, x) - built.reconstruction(z, mean)
    torch.testing.assert_close(ours, (x_there - mean_there).square().sum(1))
    assert ard.model.params.beta == 1


def test_sprites_of_half_the_side_have_a_quarter_of_the_papers_weights(published):
    quick = [recipe for recipe in recipes("quick") if recipe.dataset.name == "sprites"]
    share = (quick[0].dataset.params.size / 64) ** 2
    assert share == 0.25
    assert {recipe.model.params.beta for recipe in quick if recipe.model.name == "ard"} == {
        share * published["ard", "sprites", "beta"]
    }
    for recipe in quick:
        if recipe.model.name in ("vae", "beta_tc_vae", "dip_vae_i", "dip_vae_ii"):
            assert recipe.model.params.regularisation_weight == share
        for (model, dataset, parameter), value in published.items():
            if (recipe.model.name, recipe.dataset.name) == (model, dataset) and model != "ard":
                assert getattr(recipe.model.params, parameter) == value, (model, parameter)


def test_scenes_have_the_squared_error_and_sprites_the_cross_entropy():
    for recipe in recipes("paper"):
        if recipe.dataset.name == "scenes":
            assert recipe.model.params.likelihood == "squared_error"
        elif recipe.dataset.name == "sprites" and recipe.model.name != "rae":
            assert recipe.model.params.likelihood == "bernoulli"


def test_learning_rates_fall_for_all_but_gates_and_masks():
    found = {(recipe.model.name, recipe.train.lr_patience) for recipe in recipes("paper", "photographs")}
    assert {name for name, patience in found if patience is None} == set(PRUNED)
    assert {name for name, patience in found if patience == 10}.isdisjoint(PRUNED)
    assert {patience for _, patience in found} == {None, 10}


def test_masks_have_the_steps_to_decide_at_every_scale():
    # Images that a training learns from; the paper's other data have more than MNIST.
    images = {"quick": 9_000, "paper": 50_000}
    for scale, n in images.items():
        for recipe in recipes(scale):
            if recipe.model.name == "mask_aae" and recipe.dataset.name in ("mnist", "cifar10"):
                params = recipe.model.params
                needed = steps_to_move(
                    LARGEST_START + math.log1p(-params.active_from),
                    recipe.train.learning_rate * params.fast_rate,
                    params.slow_after,
                    params.slow_factor,
                )
                n_images = n if recipe.dataset.name == "mnist" else 40_000
                assert recipe.train.epochs * math.ceil(n_images / recipe.train.batch_size) >= needed
