"""Scores of models, as metrics."""

import importlib.util
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import DataError, Dataset, Factors, Hub, VaehubError, WorkFailed, generator, wrap
from vaehub.core import model as core_model
from vaehub.plugins.disentanglement import groups as groups_module
from vaehub.plugins.disentanglement.beta_vae_score import BetaVaeScore
from vaehub.plugins.disentanglement.dci import Dci
from vaehub.plugins.disentanglement.factor_vae_score import FactorVaeScore
from vaehub.plugins.disentanglement.irs import Irs
from vaehub.plugins.disentanglement.kernels import mig, modularity
from vaehub.plugins.disentanglement.mig import Mig
from vaehub.plugins.disentanglement.modularity import Modularity
from vaehub.plugins.disentanglement.plots import latents_by_factors
from vaehub.plugins.disentanglement.sap import Sap

NAMES, SIZES = ("shape", "size", "place", "colour"), (3, 4, 5, 1)
QUICK = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [16], "data.subset": 400, "data.size": 16}
FEW_GROUPS = {
    "factor_vae_score": {"n_votes": 300, "n_test_votes": 150, "group_size": 16},
    "beta_vae_score": {"n_train": 300, "n_test": 150, "n_pairs": 16},
}
METRICS = {
    "mig": (Mig, {}),
    "modularity": (Modularity, {}),
    "irs": (Irs, {}),
    "sap": (Sap, {}),
    "dci": (Dci, {"predictor": "lightgbm"}),
    "factor_vae_score": (FactorVaeScore, FEW_GROUPS["factor_vae_score"]),
    "beta_vae_score": (BetaVaeScore, FEW_GROUPS["beta_vae_score"]),
}
SCALARS = {name: name for name in METRICS} | {"dci": "disentanglement"}
MATRICES = {
    "mig": ("information", "mutual_information"),
    "modularity": ("information", "mutual_information"),
    "irs": ("robustness", "robustness"),
    "sap": ("scores", "score"),
    "dci": ("importance", "importance"),
    "factor_vae_score": ("votes", "votes"),
    "beta_vae_score": ("differences", "mean_difference"),
}
every = pytest.mark.parametrize("name", METRICS)


class Encoder(nn.Module):
    """Latents that are functions of x, with log variances."""

    def __init__(self, mu, logvar):
        super().__init__()
        self.mu, self.logvar = mu, logvar

    def forward(self, x):
        mu = self.mu(x)
        return mu, torch.tensor(self.logvar).expand_as(mu)


def model_of(mu, data, logvar=(-8.0, -8.0, -8.0)):
    model = wrap(encoder=Encoder(mu, logvar), decoder=nn.Linear(len(logvar), 4))
    model.spec = data.spec
    model.encode_all(data.first(1))  # how many latents it has
    return model


@pytest.fixture(scope="module")
def data():
    """Observations whose values are their factors, and one that is constant."""
    random = generator(0, "data")
    classes = torch.stack([torch.randint(size, (1200,), generator=random) for size in SIZES], dim=1)
    x = classes + 0.01 * torch.randn(classes.shape, generator=random)
    return Dataset(x, factors=Factors(NAMES, SIZES, classes)).with_validation(0.25, generator(0, "split"))


@pytest.fixture(scope="module")
def ideal(data):
    return model_of(lambda x: x[:, :3], data)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("disentanglement") / "store", device="cpu")


def measured(name, model, data, seed=0, **params):
    metric, quick = METRICS[name]
    made = metric(metric.Params(**{**quick, **params}), seed=seed)
    with torch.no_grad():
        made.refuse(model, data)
        return made.measure(model, data)


def matrix_of(name, result):
    table, column = MATRICES[name]
    keys = result.tables[table].keys
    shape = [len(dict.fromkeys(keys[key])) for key in ("latent", "factor")]
    return result.tables[table].columns[column].reshape(shape)


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


# Which latents, and which representation


@every
def test_samples_of_a_collapsed_model_say_nothing_where_its_means_do(name, data):
    model = model_of(lambda x: 1e-2 * x[:, :3], data, logvar=(0.0, 0.0, 0.0))
    asked = {"threshold": 0} if name == "factor_vae_score" else {}
    mean, sampled = (
        measured(name, model, data, representation=each, **asked).scalars[SCALARS[name]] for each in ("mean", "sampled")
    )
    if name in ("sap", "beta_vae_score"):  # classifiers see means as they are, and these are small
        assert sampled < (0.1 if name == "sap" else 0.5)
    elif name == "modularity":  # relative to the greatest of nothing, all is something
        assert mean > 0.95 > sampled
    else:
        assert mean > 0.9
        assert sampled < (0.5 if name in FEW_GROUPS else 0.45)


@pytest.mark.parametrize(
    ("asked", "latents"),
    [("all", (0, 1, 2, 3, 4)), ("active", (0, 1, 3)), ("without_passive", (0, 1, 3, 4)), ((3, 1, 3), (1, 3))],
)
def test_latents_are_chosen_by_type_or_by_number(data, asked, latents):
    model = model_of(lambda x: x[:, [0, 1, 3, 2, 0]], data, logvar=(-8.0, -3.0, 0.0, -4.0, -0.7))
    for name in ("mig", "factor_vae_score"):
        result = measured(name, model, data, latents=asked)
        assert result.scalars["n_latents"] == len(latents)
        assert tuple(dict.fromkeys(result.tables[MATRICES[name][0]].keys["latent"])) == latents


def test_types_are_in_units_of_the_prior_and_passive_means_follow_it(data):
    model = model_of(lambda x: x[:, :3] * torch.tensor([1.0, 0, 0]), data, logvar=(-3.0, -3.0, -9.0))
    model.prior = lambda batch: (torch.zeros(len(batch), 3), torch.full((len(batch), 3), -3.0))
    by_type = {
        kind: measured("mig", model, data, latents=kind).tables["information"].keys["latent"][::3]
        for kind in ("active", "without_passive")
    }
    # Latent 0 has the prior's variance, and means that tell observations apart.
    assert by_type == {"active": (2,), "without_passive": (0, 2)}


def test_only_factors_that_are_named_are_scored(data, ideal):
    result = measured("mig", ideal, data, factors=("place", "colour", "place"))
    assert result.tables["factors"].keys["factor"] == ("place", "colour")
    assert result.tables["information"].keys["factor"] == ("place",) * 3


def test_a_deterministic_model_has_its_means_scored(data):
    model = wrap(encoder=nn.Linear(4, 3), decoder=nn.Linear(3, 4))
    model.encode_all(data.first(1))
    assert 0 <= measured("mig", model, data).scalars["mig"] <= 1
    for asked in ({"latents": "active"}, {"representation": "sampled"}):
        with pytest.raises(
            VaehubError,
            match="metric 'mig' needs a model with posterior variances, and this one has none; '-s metric.lat",
        ):
            measured("mig", model, data, **asked)


# What is refused


@every
def test_unknown_factors_and_latents_are_answered_with_those_there_are(name, data, ideal):
    with pytest.raises(
        DataError, match=f"metric '{name}' was asked for the factors 'hue', and .* have shape, size, pl"
    ):
        measured(name, ideal, data, factors=("shape", "hue"))
    with pytest.raises(
        VaehubError, match=f"metric '{name}' was asked for the latents 1, 3, and the model has 3, count"
    ):
        measured(name, ideal, data, latents=(1, 3))


@every
def test_factors_that_do_not_vary_are_refused_if_none_is_left(name, data, ideal):
    least = 1 if name in ("mig", "irs", "sap") else 2
    message = rf"metric '{name}' needs at least {least} factors that vary, and there are none .* \(constant: 'colour'\)"
    with pytest.raises(DataError, match=message):
        measured(name, ideal, data, factors=("colour",))
    if least == 2:
        with pytest.raises(DataError, match="and there is 1 among .*; name more in '-s metric.factors=…'"):
            measured(name, ideal, data, factors=("size",))


@every
def test_too_few_observations_are_refused(name, data, ideal):
    few = data.subset(torch.arange(7) if name in ("sap", "dci") else torch.arange(5))
    with pytest.raises(
        DataError, match=f"'{name}' needs more observations .* classes, and got 5 .* 'place' has 5; take"
    ):
        measured(name, ideal, few)


def test_one_observation_leaves_none_to_be_tested_on(data, ideal):
    for name in ("sap", "dci"):
        with pytest.raises(DataError, match="needs at least 3 observations, and got 1: the split"):
            measured(name, ideal, data.first(1))


def test_a_model_without_active_latents_fails_with_the_reason(hub, data):
    model = model_of(lambda x: x[:, :3], data, logvar=(0.0, 0.0, 0.0))
    for name, kind in (("mig", "active"), ("factor_vae_score", "active"), ("sap", "without_passive")):
        with pytest.raises(WorkFailed, match="none of the 3 latents is .* by their posterior variances, .* ask for"):
            measured(name, model, data, latents=kind)


@every
def test_a_model_that_gives_no_numbers_fails(name, data):
    model = model_of(lambda x: torch.where(x[:, :3] > 2.5, math.nan, x[:, :3]), data)
    with pytest.raises(WorkFailed, match="NaN or infinite means or variances for .* in latents 1, 2; nothing can be"):
        measured(name, model, data)


def test_a_missing_predictor_is_named_before_any_work(data, ideal, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "vaehub.plugins.disentanglement.dci.find_spec", lambda name: None if name == "lightgbm" else found(name)
    )
    with pytest.raises(VaehubError, match=r"predictor 'lightgbm', which is not installed: pip install 'vaehub\[boost"):
        measured("dci", ideal, data)


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
