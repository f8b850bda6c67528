"""Mean similarities over rows, and the similarity of variances by type."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaehub import Dataset, Result, VaehubError, generator, wrap
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
    metric.refuse(rows)
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


def test_the_plot_has_a_map_for_each_panel():
    metric, found = measured(ROWS, panel="epoch")
    maps = [axes for axes in metric.plot(found).axes if axes.get_title()]
    assert [axes.get_title() for axes in maps] == ["1", "5"]
    assert [text.get_text() for text in maps[0].texts] == ["0.30", "-"]
    assert [text.get_text() for text in maps[1].get_yticklabels()] == ["mean", "input"]


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
    return model


def compared(a, b, data, **params):
    metric = VarianceSimilarity(VarianceSimilarity.Params(**params))
    metric.refuse(a, b, data)
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


def test_a_model_without_variances_is_refused(data):
    a = wrap(encoder=nn.Linear(4, 2), decoder=nn.Linear(2, 4))
    a.spec = data.spec
    with pytest.raises(VaehubError, match="needs a model with posterior variances, and this one has none"):
        compared(model_of(data, active), a, data)


def test_the_plot_has_every_type(data):
    metric, found = compared(model_of(data, active, mixed(0)), model_of(data, mixed(0), passive), data)
    assert isinstance(found, Result)
    axes = metric.plot(found).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["all", "active", "mixed", "passive"]


def test_columns_may_have_other_names():
    rows = {"a": ROWS["layer_a"], "b": ROWS["layer_b"], "score": ROWS["similarity"]}
    _, found = measured(rows, first="b", second="a", value="score")
    table = found.tables["similarity"]
    assert list(table.keys) == ["b", "a"]
    np.testing.assert_allclose(table.columns["score"], [0.5, 0.5])


def test_alpha_n_samples_and_split_decide_what_is_compared(data):
    halfway = model_of(data, lambda x: torch.full((len(x),), 0.2), mixed(0))
    assert [compared(halfway, halfway, data, alpha=each)[1].scalars["n_active_a"] for each in (0.1, 0.3)] == [0, 1]
    assert compared(halfway, halfway, data, n_samples=50)[1].scalars["n_samples"] == 50
    halved = data.with_validation(0.25, generator(0, "split"))
    assert compared(halfway, halfway, halved, split="validation")[1].scalars["n_samples"] == 75
