"""Mean similarities over rows, and the similarity of variances by type."""

import math

import numpy as np
import pytest
import torch
from matplotlib.colors import same_color
from torch import nn

from vaehub import Dataset, Result, VaehubError, generator, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.similarity.kernels import linear_cka
from vaehub.plugins.similarity.similarity_map import SimilarityMap
from vaehub.plugins.similarity.variance_similarity import VarianceSimilarity

ROWS = {
    "epoch": np.array([1.0, 1.0, 1.0, 5.0, 5.0]),
    "layer_a": np.array(["mean", "mean", "input", "mean", "input"], dtype=object),
    "layer_b": np.array(["mean", "mean", "mean", "mean", "mean"], dtype=object),
    "similarity": np.array([0.2, 0.4, np.nan, 0.9, 0.5]),
}


def measured(rows, **params):
    metric = SimilarityMap(SimilarityMap.Params(**params))
    metric.check(rows)
    return metric, metric.measure(rows)


# Maps


def test_scores_of_the_same_layers_are_averaged():
    _, found = measured(ROWS)
    table = found.tables["similarity"]
    assert table.keys == {"layer_a": ("mean", "input"), "layer_b": ("mean", "mean")}
    np.testing.assert_allclose(table.columns["similarity"], [0.5, 0.5])
    np.testing.assert_allclose(table.columns["sd"], [np.std([0.2, 0.4, 0.9], ddof=1), np.nan])
    assert table.columns["n"].tolist() == [3, 1]
    assert found.scalars == {"n_rows": 5}


def test_panels_are_averaged_by_themselves_and_undefined_scores_are_left_out():
    _, found = measured(ROWS, panel="epoch")
    table = found.tables["similarity"]
    assert table.keys["epoch"] == (1, 1, 5, 5)
    np.testing.assert_allclose(table.columns["similarity"], [0.3, np.nan, 0.9, 0.5])
    assert table.columns["n"].tolist() == [2, 0, 1, 1]


def test_columns_may_have_other_names():
    rows = dict(zip(["epoch", "at the epoch", "at the end", "cka"], ROWS.values(), strict=True))
    metric, found = measured(rows, first="at the end", second="at the epoch", value="cka")
    table = found.tables["similarity"]
    assert table.keys == {"at the end": ("mean", "mean"), "at the epoch": ("mean", "input")}
    np.testing.assert_allclose(table.columns["cka"], [0.5, 0.5])
    axes, colours = metric.plot(found).axes
    assert (axes.get_ylabel(), axes.get_xlabel(), colours.get_ylabel()) == ("at the end", "at the epoch", "cka")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["mean", "input"]


def test_the_plot_has_a_map_for_each_panel():
    metric, found = measured(ROWS, panel="epoch")
    maps = [axes for axes in metric.plot(found).axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["1", "5"]
    assert [text.get_text() for text in maps[0].texts] == ["0.30", "-"]
    assert [text.get_text() for text in maps[1].get_yticklabels()] == ["mean", "input"]
    assert all(same_color(axes.get_facecolor(), "0.7") and axes.images[0].get_clim() == (0, 1) for axes in maps)


@pytest.mark.parametrize(
    ("rows", "params", "sentence"),
    [
        (ROWS, {"value": "cka"}, "asked for the column 'cka', and the query has 'epoch', 'layer_a'"),
        (ROWS, {"value": "layer_a"}, "takes each column for one thing, and was given 'layer_a' twice"),
        ({name: column[:0] for name, column in ROWS.items()}, {}, "is of rows, and the query has none"),
    ],
)
def test_rows_that_cannot_be_averaged_are_refused(rows, params, sentence):
    with pytest.raises(VaehubError, match=sentence):
        measured(rows, **params)


# Variances


class Encoder(nn.Module):
    """Posterior variances that are given functions of x."""

    def __init__(self, variances):
        super().__init__()
        self.variances = variances

    def forward(self, x):
        variance = torch.stack([each(x) for each in self.variances], dim=1)
        return torch.zeros_like(variance), variance.log()


def active(x):
    return torch.full((len(x),), 0.01)


def passive(x):
    return torch.ones(len(x))


def mixed(at):
    return lambda x: torch.sigmoid(4 * x[:, at])


@pytest.fixture
def data():
    return Dataset(torch.randn(300, 4, generator=generator(0, "x")))


def model_of(data, *variances):
    model = wrap(encoder=Encoder(variances), decoder=nn.Linear(len(variances), 4))
    model.spec = data.spec
    model.encode_all(data.first(2))  # binds the number of latents
    return model


def compared(a, b, data, **params):
    metric = VarianceSimilarity(VarianceSimilarity.Params(**params))
    refuse(metric, a, b, data)
    with torch.no_grad():
        return metric, metric.measure(a, b, data)


def by_type(result, column="cka"):
    table = result.tables["similarity"]
    return dict(zip(zip(table.keys["type_a"], table.keys["type_b"], strict=True), table.columns[column], strict=True))


def test_types_of_both_models_are_counted_beside_the_similarity(data):
    a, b = model_of(data, active, mixed(0), passive), model_of(data, mixed(0), mixed(1), passive, passive)
    _, found = compared(a, b, data)
    counts = {name: value for name, value in found.scalars.items() if name.startswith("n_") and name != "n_samples"}
    assert counts == {
        "n_active_a": 1,
        "n_mixed_a": 1,
        "n_passive_a": 1,
        "n_active_b": 0,
        "n_mixed_b": 2,
        "n_passive_b": 2,
    }
    expected = linear_cka(torch.sigmoid(4 * data.x[:, :1]), torch.sigmoid(4 * data.x[:, :2]))
    assert found.scalars["cka"] == pytest.approx(expected, rel=1e-5)
    assert found.scalars["procrustes"] == pytest.approx(math.sqrt(expected), abs=0.2)


def test_latents_that_are_always_active_or_passive_add_nothing(data):
    """Their variances are constant, so only the mixed ones are alike or not."""
    a, b = model_of(data, mixed(0), active, passive), model_of(data, mixed(0))
    _, found = compared(a, b, data)
    scores = by_type(found)
    assert scores["all", "all"] == pytest.approx(1)
    assert scores["mixed", "mixed"] == pytest.approx(1)
    assert math.isnan(scores["passive", "mixed"])
    assert math.isnan(scores["active", "active"])


def test_models_that_use_the_same_latents_for_other_observations_are_unlike(data):
    _, found = compared(model_of(data, mixed(0), passive), model_of(data, passive, mixed(1)), data)
    assert found.scalars["cka"] < 0.1


def test_alpha_decides_which_latents_are_active_or_passive(data):
    def nearly_passive(x):
        return torch.full((len(x),), 0.8)

    model = model_of(data, nearly_passive, mixed(0))
    counts = {alpha: compared(model, model, data, alpha=alpha)[1].scalars["n_passive_b"] for alpha in (0.1, 0.3)}
    assert counts == {0.1: 0, 0.3: 1}


def test_only_the_observations_asked_for_are_compared(data):
    x = torch.where(torch.arange(300)[:, None] < 200, data.x, data.x[:, :1])
    data = Dataset(x, splits={"train": torch.arange(200), "test": torch.arange(200, 300)})
    a, b = model_of(data, mixed(0)), model_of(data, mixed(1))
    found = {split: compared(a, b, data, split=split)[1].scalars for split in ("train", "test", "all")}
    assert {split: each["n_samples"] for split, each in found.items()} == {"train": 200, "test": 100, "all": 300}
    assert found["train"]["cka"] < 0.9 * found["all"]["cka"] < 0.9
    assert found["test"]["cka"] == pytest.approx(1)
    assert compared(a, b, data)[1].scalars == found["all"]
    metric, few = compared(a, b, data, n_samples=50)
    assert few.scalars["n_samples"] == 50
    x = torch.sigmoid(4 * data.x[metric.draw_observations(data).rows])
    assert few.scalars["cka"] == pytest.approx(linear_cka(x[:, :1], x[:, 1:2]), rel=1e-4)


def test_a_model_without_variances_is_refused(data):
    a = wrap(encoder=nn.Linear(4, 2), decoder=nn.Linear(2, 4))
    a.spec = data.spec
    with pytest.raises(
        VaehubError, match="metric 'variance_similarity' needs a model with posterior variances, and this one has none"
    ):
        compared(model_of(data, active), a, data)


def test_the_plot_has_every_type(data):
    metric, found = compared(model_of(data, active, mixed(0)), model_of(data, mixed(0), passive), data)
    assert isinstance(found, Result)
    axes = metric.plot(found).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["all", "active", "mixed", "passive"]


def test_types_beside_a_learned_prior_are_those_of_variable_types(data):
    from vaehub.plugins.polarised.variable_types import VariableTypes

    a, b = model_of(data, active, mixed(0), passive), model_of(data, active, mixed(1), passive)
    # Of the first model the third latent keeps to its prior only if that is narrower than the standard one.
    narrow = torch.zeros(300, 3), torch.tensor([0.0, 0.0, 4.0]).log1p().expand(300, 3)
    a.prior = lambda batch: tuple(each[: len(batch)] for each in narrow)
    found = compared(a, b, data)[1].scalars
    alone = VariableTypes(VariableTypes.Params(split="all")).measure(a, data).scalars
    assert [found[f"n_{name}_a"] for name in ("active", "mixed", "passive")] == [
        alone[f"n_{name}"] for name in ("active", "mixed", "passive")
    ]
    assert found["n_passive_a"] == 0
    assert found["n_passive_b"] == 1
