"""Layers of two models compared, as metrics."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from torch import nn

from vaehub import DataError, Dataset, Hub, Result, Table, VaehubError, WorkFailed, generator, wrap
from vaehub.analysis import representations
from vaehub.hub.refusals import refuse
from vaehub.plugins.similarity.cka import Cka
from vaehub.plugins.similarity.kernels import linear_cka, procrustes_similarity
from vaehub.plugins.similarity.layer_similarity import LayerSimilarity
from vaehub.plugins.similarity.procrustes import Procrustes

QUICK = {"train.epochs": 1, "model.latent_dim": 3, "network.hidden": [8], "data.subset": 200}
LAYERS = ("input", "encoder_1", "mean", "variance", "sampled", "decoder_1", "decoder_2")
METRICS = {"cka": (Cka, linear_cka), "procrustes": (Procrustes, procrustes_similarity)}


class Encoder(nn.Module):
    """Latents that are functions of x, with a log variance."""

    def __init__(self, mu, logvar=-6.0):
        super().__init__()
        self.mu, self.logvar = mu, logvar

    def forward(self, x):
        mu = self.mu(x)
        return mu, torch.full_like(mu, self.logvar)


@pytest.fixture
def data():
    return Dataset(torch.randn(300, 4, generator=generator(0, "x")))


def model_of(mu, data, logvar=-6.0, width=4):
    model = wrap(encoder=Encoder(mu, logvar), decoder=nn.Linear(width, 4))
    model.spec = data.spec
    model.encode_all(data.first(2))  # binds the number of latents
    return model


def measured(name, a, b, data, **params):
    metric = METRICS[name][0](METRICS[name][0].Params(**params))
    refuse(metric, a, b, data)
    with torch.no_grad():
        return metric.measure(a, b, data)


def matrix_of(result, column):
    table = result.tables["similarity"]
    n_first = len(dict.fromkeys(table.keys["layer_a"]))
    return table.columns[column].reshape(n_first, -1)


def of_layer(result, column):
    table = result.tables["layers"]
    keys = zip(table.keys["model"], table.keys["layer"], strict=True)
    return dict(zip(keys, table.columns[column].tolist(), strict=True))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return Hub.open(tmp_path_factory.mktemp("pairs") / "store", device="cpu")


@pytest.fixture(scope="module")
def recipes(hub):
    return tuple(hub.recipe("vae", dataset="digits", seed=seed, settings=QUICK) for seed in (0, 1))


# Through a hub


@pytest.mark.parametrize("name", METRICS)
def test_each_layer_is_compared_with_each(hub, recipes, name):
    found = hub.measure(name, recipes)
    table = found.result.tables["similarity"]
    pairs = list(zip(table.keys["layer_a"], table.keys["layer_b"], strict=True))
    assert pairs == [(one, other) for one in LAYERS for other in LAYERS]
    matrix = matrix_of(found.result, name)
    assert ((matrix >= 0) & (matrix <= 1)).all()
    assert matrix[0, 0] == pytest.approx(1)
    assert matrix[1, 1] > matrix[1, 4]
    assert found["n_samples"] == 200
    assert of_layer(found.result, "width")["b", "encoder_1"] == 8
    rows = hub.sql(f"select count(*) from results where metric = '{name}' and name = '{name}'")
    assert [tuple(row) for row in rows] == [(49,)]


@pytest.mark.parametrize("name", METRICS)
def test_values_are_those_of_the_kernel_on_the_observations_drawn(hub, recipes, name):
    settings = {"layers": ["mean", "decoder_1"], "n_samples": 90}
    found = hub.measure(name, recipes, seed=3, settings=settings)
    metric = METRICS[name][0](METRICS[name][0].Params(**settings), seed=3)
    (a, data), (b, _) = map(hub.model, recipes)
    rows = torch.randperm(200, generator=metric.generator("rows"))[:90].sort().values
    layers = [
        representations(model, data.subset(rows), generator=metric.generator("noise", side))
        for side, model in (("a", a), ("b", b))
    ]
    expected = [
        [METRICS[name][1](layers[0][one], layers[1][other]) for other in settings["layers"]]
        for one in settings["layers"]
    ]
    np.testing.assert_allclose(matrix_of(found.result, name), expected, rtol=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_two_models_changes_nothing_but_which_is_which(hub, recipes, name):
    settings = {"layers": ["input", "encoder_1", "mean", "variance"]}
    there, back = (hub.measure(name, pair, settings=settings) for pair in (recipes, recipes[::-1]))
    np.testing.assert_allclose(matrix_of(there.result, name), matrix_of(back.result, name).T, rtol=1e-9)


def test_the_careful_answer_is_the_smaller_of_both(hub, recipes):
    cka, procrustes = (hub.measure(name, recipes)["similarity"].columns[name] for name in METRICS)
    found = hub.measure("layer_similarity", recipes)
    table = found["similarity"]
    assert list(table.columns) == ["smaller", "cka", "procrustes"]
    np.testing.assert_array_equal(table.columns["cka"], cka)
    np.testing.assert_array_equal(table.columns["procrustes"], procrustes)
    np.testing.assert_array_equal(table.columns["smaller"], np.minimum(cka, procrustes))
    assert "smaller of CKA and Procrustes similarity" in hub.figure(found.id).axes[0].get_title()


def test_a_low_rank_has_its_error_beside_it(hub, recipes):
    exact, short = (hub.measure("procrustes", recipes, settings=each) for each in ({}, {"rank": 3}))
    errors = matrix_of(short.result, "procrustes_error")
    assert (np.abs(matrix_of(short.result, "procrustes") - matrix_of(exact.result, "procrustes")) <= errors).all()
    # Latents are 3, so that their directions are all found.
    assert errors[2].max() < 1e-6 < errors[0, 0]


@pytest.mark.parametrize("name", METRICS)
def test_a_plot_has_a_readable_number_for_each_pair(hub, recipes, name):
    axes = hub.figure(hub.measure(name, recipes).id).axes[0]
    assert len(axes.texts) == 49
    assert axes.texts[0].get_text() == "1.00"
    labels = [label.get_text() for label in axes.get_yticklabels()]
    # 200 observations are ten times as many as 8 or 3 values, and not as 64.
    assert labels == ["input *", *LAYERS[1:-1], "decoder_2 *"]
    assert axes.get_title().endswith("200 observations\n* few for the width of the layer")


def test_a_plot_shows_what_is_undefined_and_what_is_negative():
    result = Result(
        scalars={"n_samples": 50},
        tables={
            "similarity": Table({"layer_a": ["mean"] * 2, "layer_b": ["mean", "sampled"]}, {"cka": [math.nan, -0.001]}),
            "layers": Table({"model": ["a", "b", "b"], "layer": ["mean", "mean", "sampled"]}, {"is_few": [0, 0, 0]}),
        },
    )
    axes = Cka(Cka.Params(debiased=True)).plot(result).axes[0]
    assert [text.get_text() for text in axes.texts] == ["-", "0.00"]
    assert axes.get_title() == "debiased CKA, 50 observations"
    assert same_color(axes.get_facecolor(), "0.7")
    assert same_color(axes.texts[1].get_color(), "white")
    assert axes.images[0].get_clim() == (0, 1)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["mean"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["mean", "sampled"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("first model", "second model")


# Models that are known


@pytest.mark.parametrize("name", METRICS)
def test_a_turned_copy_is_the_same_and_its_noise_is_not(name, data):
    turn = torch.linalg.qr(torch.randn(4, 4, generator=generator(0, "turn"))).Q
    a, b = model_of(lambda x: x, data, logvar=0.0), model_of(lambda x: 3 * x @ turn + 1, data, logvar=0.0)
    result = measured(name, a, b, data, layers=("mean", "sampled"))
    matrix = matrix_of(result, name)
    assert matrix[0, 0] == pytest.approx(1, rel=1e-5)
    assert matrix[1, 1] < 0.95


def test_latents_that_are_noise_are_not_alike_in_a_model_and_itself(data):
    model = model_of(lambda x: 0 * x, data, logvar=0.0)
    result = measured("cka", model, model, data, layers=("sampled",))
    assert matrix_of(result, "cka")[0, 0] < 0.05


@pytest.mark.parametrize("name", METRICS)
def test_a_collapsed_layer_is_undefined_and_says_so(name, data):
    a, b = model_of(lambda x: torch.full_like(x, 0.3), data), model_of(lambda x: x, data)
    result = measured(name, a, b, data, layers=("mean", "input"))
    assert np.isnan(matrix_of(result, name)[0]).all()
    assert not np.isnan(matrix_of(result, name)[1]).any()
    assert [key for key, is_constant in of_layer(result, "is_constant").items() if is_constant] == [("a", "mean")]


def test_models_of_different_widths_and_layers_are_compared(data):
    a = model_of(lambda x: x[:, :2], data, width=2)
    b = model_of(nn.Sequential(nn.Linear(4, 9), nn.ReLU()), data, width=9)
    with torch.no_grad():
        result = Procrustes(Procrustes.Params()).measure(a, b, data)
    widths = of_layer(result, "width")
    assert (widths["a", "mean"], widths["b", "mean"]) == (2, 9)
    assert of_layer(result, "is_few")["b", "mean"] == 0
    assert matrix_of(measured("cka", a, b, data.first(50)), "cka").shape == matrix_of(result, "procrustes").shape
    assert of_layer(measured("cka", a, b, data.first(50)), "is_few")["b", "mean"] == 1


@pytest.mark.parametrize("name", METRICS)
def test_the_seed_decides_observations_and_noise(name, data):
    metric = METRICS[name][0]
    a, b = model_of(lambda x: x, data, logvar=0.0), model_of(lambda x: x.square(), data, logvar=0.0)
    with torch.no_grad():
        once, again, other = (
            matrix_of(metric(metric.Params(n_samples=100), seed=seed).measure(a, b, data), name) for seed in (0, 0, 1)
        )
    np.testing.assert_array_equal(once, again)
    assert (once != other)[~np.isnan(once)].sum() > 10


def test_few_observations_are_warned_of_with_the_measure_that_is_too_high(data, caplog):
    a, b = model_of(lambda x: x, data), model_of(lambda x: x, data)
    measured("cka", a, b, data)
    assert not caplog.records
    measured("cka", a, b, data, n_samples=30)
    [record] = caplog.records
    assert record.message.startswith(
        "30 observations are fewer than 10 for each value of input, mean, variance, sampled"
    )
    assert "there Procrustes similarity is too high, CKA less so" in record.message


# Options, on models of which the answer is known


@pytest.fixture
def split_data(data):
    """Of the test split, both models' means are linear functions of each other; of the training split, they are not."""
    x = torch.where(torch.arange(300)[:, None] < 200, data.x, data.x.abs())
    return Dataset(x, splits={"train": torch.arange(200), "test": torch.arange(200, 300)})


def layered(cls, a, b, data, **params):
    metric = cls(cls.Params(layers=("mean",), **params))
    refuse(metric, a, b, data)
    with torch.no_grad():
        return metric.measure(a, b, data)


CLASSES = [(Cka, "cka"), (Procrustes, "procrustes"), (LayerSimilarity, "smaller")]


@pytest.mark.parametrize(("cls", "column"), CLASSES)
def test_only_the_split_asked_for_is_compared(split_data, cls, column):
    a, b = model_of(lambda x: x, split_data), model_of(lambda x: x.abs(), split_data)
    found = {split: layered(cls, a, b, split_data, split=split) for split in ("train", "test", "all")}
    assert {split: each.scalars["n_samples"] for split, each in found.items()} == {
        "train": 200,
        "test": 100,
        "all": 300,
    }
    values = {split: each.tables["similarity"].columns[column].item() for split, each in found.items()}
    assert values["test"] == pytest.approx(1)
    assert values["train"] < 0.2
    assert values["train"] < values["all"] < 0.9
    assert layered(cls, a, b, split_data).tables["similarity"].columns[column].item() == values["all"]


@pytest.mark.parametrize(("cls", "column"), CLASSES)
def test_only_the_observations_and_layers_asked_for_are_compared(data, cls, column):
    a, b = model_of(lambda x: x, data), model_of(lambda x: x * x.abs(), data)
    some, every = (layered(cls, a, b, data, n_samples=n) for n in (40, "all"))
    assert (some.scalars["n_samples"], every.scalars["n_samples"]) == (40, 300)
    rows = cls(cls.Params(n_samples=40)).draw_observations(data).rows
    for found, x in ((some, data.x[rows]), (every, data.x)):
        table = found.tables["similarity"]
        assert table.keys == {"layer_a": ("mean",), "layer_b": ("mean",)}
        kernels = {"cka": [linear_cka], "procrustes": [procrustes_similarity]}
        expected = min(each(x, x * x.abs()) for each in kernels.get(column, [linear_cka, procrustes_similarity]))
        assert table.columns[column].item() == pytest.approx(expected, rel=1e-6)


def test_debiased_alignment_is_that_of_the_kernel(data):
    a, b = model_of(lambda x: x, data), model_of(lambda x: x * x.abs(), data)
    found = layered(Cka, a, b, data, n_samples="all", debiased=True).tables["similarity"].columns["cka"].item()
    assert found == pytest.approx(linear_cka(data.x, data.x * data.x.abs(), debiased=True), rel=1e-6)
    with pytest.raises(DataError, match="metric 'cka' needs at least 4 observations, and got 3"):
        layered(Cka, a, b, data, n_samples=3, debiased=True)
    assert layered(Cka, a, b, data, n_samples=3).scalars["n_samples"] == 3


# What is refused


@pytest.mark.parametrize("name", METRICS)
def test_an_unknown_layer_is_answered_with_those_there_are_and_the_nearest(name, hub, recipes):
    message = r"first of two models: the model has no layer 'encoder_7', it has input, .*; did you mean 'encoder_1'\?"
    untrained = recipes[0].vary(model={"latent_dim": 2})
    with pytest.raises(VaehubError, match=message):
        hub.measure(name, (untrained, recipes[1]), settings={"layers": ["mean", "encoder_7"]})
    assert hub.store.training(untrained.id) is None


def test_a_layer_that_only_one_model_has_is_refused(data):
    a, b = model_of(nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 4)), data), model_of(lambda x: x, data)
    with pytest.raises(
        VaehubError, match="the second of two models: the model has no layer 'encoder_1', it has input, mean"
    ):
        measured("cka", a, b, data, layers=("encoder_1",))


def test_models_of_other_data_are_refused(hub, recipes):
    other = hub.recipe("vae", dataset="digits", settings={**QUICK, "data.size": 16})
    with pytest.raises(
        DataError, match=r"first takes shape \(1, 8, 8\) and the second \(1, 16, 16\), .*; compare models"
    ):
        hub.measure("cka", (recipes[0], other))
    assert hub.store.training(other.id) is None
    (a, data), (b, _) = map(hub.model, (recipes[0], other))
    with pytest.raises(DataError, match="compare models of one dataset"):
        measured("procrustes", a, b, data)


def test_a_model_that_gives_no_numbers_fails_with_the_reason(data):
    a, b = model_of(lambda x: x, data), model_of(lambda x: torch.where(x > 2, float("nan"), x), data)
    with pytest.raises(
        WorkFailed,
        match="the second of two models: the model gives NaN or infinite values for .* of 300 .* layer 'mean'",
    ):
        measured("cka", a, b, data, layers=("mean",))


def test_manifest_and_parameters_load_no_torch():
    code = (
        "import sys, vaehub.plugins.similarity as plugin, vaehub.plugins.similarity.params\n"
        "entries = plugin.vaehub_catalog()\n"
        "assert [each.name for each in entries if getattr(each, 'subject', '') == 'pair'] == [\n"
        "    'cka', 'procrustes', 'layer_similarity', 'variance_similarity']\n"
        "assert not {'torch', 'scipy', 'duckdb', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
