"""Scores of disentanglement as metrics."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from disentanglement_samples import (
    FEW_GROUPS,
    MATRICES,
    METRICS,
    NAMES,
    QUICK,
    SCALARS,
    SIZES,
    every,
    matrix_of,
    measured,
    model_of,
)

from vaehub import DataError, Factors, Hub, generator
from vaehub.core import model as core_model
from vaehub.plugins.disentanglement import groups as groups_module
from vaehub.plugins.disentanglement.dci import Dci
from vaehub.plugins.disentanglement.irs import Irs
from vaehub.plugins.disentanglement.kernels import mig, modularity
from vaehub.plugins.disentanglement.mig import Mig
from vaehub.plugins.disentanglement.plots import latents_by_factors

# Through a hub


@every
@pytest.mark.slow
def test_a_trained_model_is_scored(hub, name):
    settings = {**QUICK, **{f"metric.{key}": value for key, value in METRICS[name][1].items()}}
    [found] = hub.run("beta_vae", name, dataset="sprites", settings=settings)
    assert -0.05 <= found[SCALARS[name]] <= 1
    column = MATRICES[name][1]
    rows = hub.sql(
        f"select keys ->> 'latent', keys ->> 'factor' from results where metric = '{name}' and name = '{column}'"
    )
    assert len(list(rows)) == 15
    axes = hub.figure(found.id).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()][0::2] == ["shape", "orientation", "position y"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "2"]
    assert len(axes.texts) == 15
    assert f"{found[SCALARS[name]]:.3f}" in axes.get_title()


def test_digits_have_no_factors_and_nothing_is_trained(tmp_path):
    empty = Hub.open(tmp_path / "none", device="cpu")
    for name in METRICS:
        with pytest.raises(
            DataError, match=f"metric '{name}' needs data with known factors.*, and these have none; 'sp"
        ):
            empty.run("vae", name)
    assert not empty.store.exists


# Models that are known


@every
def test_an_ideal_model_scores_near_one_and_a_constant_one_near_nothing(name, data, ideal):
    # No line separates a class from others on both sides of it: of SAP, an ideal model has less than 1.
    assert measured(name, ideal, data).scalars[SCALARS[name]] > (0.35 if name == "sap" else 0.95)
    constant = model_of(lambda x: torch.full_like(x[:, :3], 0.3), data)
    found = measured(name, constant, data).scalars[SCALARS[name]]
    assert found == pytest.approx(1 / 3 if name == "beta_vae_score" else 0, abs=0.12)


@every
def test_a_latent_stands_for_its_factor_in_the_matrix(name, data):
    turned = model_of(lambda x: x[:, [2, 0, 1]] * 30, data)
    matrix = matrix_of(name, measured(name, turned, data))
    # Pairs that hold a factor are next to each other in its latent.
    best = matrix.argmin(axis=0) if name == "beta_vae_score" else matrix.argmax(axis=0)
    assert best.tolist() == [1, 2, 0]


@every
def test_a_constant_factor_is_left_out_and_says_why(name, data, ideal):
    result = measured(name, ideal, data)
    table = result.tables["factors"]
    assert table.keys["factor"] == NAMES
    assert table.columns["n_levels"].tolist() == [3, 4, 5, 1]
    assert table.columns["is_constant"].tolist() == [0, 0, 0, 1]
    for column in table.columns.keys() - {"n_levels", "is_constant"}:
        assert np.isnan(table.columns[column]).tolist() == [False] * 3 + [True]
    assert result.scalars["n_factors"] == 3
    assert "colour" not in result.tables[MATRICES[name][0]].keys["factor"]


def test_scores_are_those_of_the_kernels_on_the_observations_drawn(data, ideal):
    for name, kernel in (("mig", mig), ("modularity", modularity)):
        result = measured(name, ideal, data, n_samples=300, bins=7, split="train")
        metric = METRICS[name][0]
        part = data.split("train")
        rows = torch.randperm(len(part), generator=metric(metric.Params()).generator("rows"))[:300].sort().values
        codes, factors = part.x[rows][:, :3], part.factors.classes[rows][:, :3]
        assert result.scalars[name] == pytest.approx(kernel(codes, factors, bins=7), rel=1e-12)
        assert result.scalars["n_samples"] == 300


@pytest.mark.parametrize(
    ("asked", "got"),
    [((400, 100), (400, 100)), ((1000, 500), (800, 400)), ((900, 500), (800, 400)), ((300, 5000), (300, 900))],
)
def test_what_is_tested_on_is_a_third_at_most_where_there_is_too_little(data, ideal, asked, got):
    result = measured("sap", ideal, data, n_train=asked[0], n_test=asked[1])
    assert (result.scalars["n_train"], result.scalars["n_test"]) == got


def test_what_is_tested_on_was_not_learned_from(data):
    train, test = (each.rows for each in Dci(Dci.Params(n_train=700, n_test=300)).two_sets(data))
    assert not np.intersect1d(train, test).size
    assert (len(train), len(test)) == (700, 300)


def test_memorised_noise_is_not_informative(data):
    noise = torch.randn(1200, 3, generator=generator(1))
    found = measured("dci", model_of(lambda x: noise[: len(x)], data), data, factors=("place", "size")).scalars
    assert found["train_informativeness"] > 0.6
    assert found["informativeness"] < 0.35


@pytest.mark.parametrize("name", FEW_GROUPS)
def test_each_observation_is_encoded_once_and_in_blocks(name, data, ideal, monkeypatch):
    whole = measured(name, ideal, data)
    assert whole.scalars["n_samples"] == 1200
    monkeypatch.setattr(core_model, "EVALUATION_BATCH", 77)
    monkeypatch.setattr(groups_module, "VALUES_AT_ONCE", 999)
    blocks = measured(name, ideal, data)
    assert blocks.scalars == whole.scalars
    np.testing.assert_allclose(matrix_of(name, blocks), matrix_of(name, whole))


def test_groups_hold_their_factor(data):
    factors = Factors(NAMES[:3], SIZES[:3], data.factors.classes[:, :3])
    groups = groups_module.Groups.draw(factors, 50, 4, 6, generator(0))
    assert groups.rows.shape == (50, 4, 6)
    assert set(groups.held.tolist()) == {0, 1, 2}
    for factor, rows in zip(groups.held, groups.rows, strict=True):
        classes = factors.classes[rows][:, :, factor]
        assert (classes == classes[:, :1]).all()
    values = {tuple(factors.classes[rows[:, 0], factor].tolist()) for factor, rows in zip(*groups, strict=True)}
    assert any(len(set(each)) > 1 for each in values)


@every
def test_the_same_seed_gives_the_same_numbers(name, data):
    model = model_of(lambda x: x[:, :3] @ torch.tensor([[1.0, 0.4, 0], [0, 1, 0.4], [0.4, 0, 1]]), data)
    few = {"n_samples": 500} if name in ("mig", "modularity", "irs") else {}
    few = {"n_train": 400, "n_test": 300} if name in ("sap", "dci") else few
    once, again, other = (
        matrix_of(name, measured(name, model, data, seed, representation="sampled", **few)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_the_predictor_is_part_of_what_a_measurement_is():
    slow, fast = (Dci.Params(predictor=each).identity() for each in ("gradient_boosting", "lightgbm"))
    assert Dci.Params().identity() == slow != fast


# Plots


def test_a_plot_shows_what_is_undefined(data):
    model = model_of(lambda x: torch.stack([x[:, 0], 0 * x[:, 0], x[:, 1]], dim=1), data)
    result = measured("irs", model, data)
    assert result.scalars["n_constant"] == 1
    axes = Irs(Irs.Params()).plot(result).axes[0]
    assert [text.get_text() for text in axes.texts][3:6] == ["-"] * 3


def test_plots_of_many_latents_have_no_numbers_and_of_nothing_a_scale(data):
    wide = model_of(lambda x: x[:, :1].expand(-1, 50), data, logvar=(-8.0,) * 50)
    axes = Mig(Mig.Params()).plot(measured("mig", wide, data)).axes[0]
    assert not axes.texts
    assert len(axes.get_yticklabels()) == 50
    nothing = measured("mig", model_of(lambda x: 0 * x[:, :3], data), data)
    figure = latents_by_factors(nothing, "information", "mutual_information", "", "")
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_the_scale_is_as_wide_beside_many_latents_as_beside_few(data, ideal):
    wide = model_of(lambda x: x[:, :1].expand(-1, 50), data, logvar=(-8.0,) * 50)
    figures = [Mig(Mig.Params()).plot(measured("mig", model, data)) for model in (ideal, wide)]
    few, many = (figure.get_figheight() / figure.axes[1].get_box_aspect() for figure in figures)
    assert figures[1].get_figheight() > 3 * figures[0].get_figheight()
    assert few == pytest.approx(many)


def test_manifest_and_parameters_load_no_torch():
    code = (
        "import sys, vaehub.plugins.disentanglement as plugin, vaehub.plugins.disentanglement.params\n"
        "assert len(plugin.vaehub_catalog()) == 7\n"
        "assert not {'torch', 'scipy', 'sklearn', 'lightgbm', 'duckdb', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
