"""Pictures of numbers whose metric draws none: nothing is hidden, and nothing is drawn that is not stored."""

import numpy as np
import pytest

from vaehub import Result, Signatures, Table, Vector
from vaehub.core.metric import Metric
from vaehub.hub.value_plot import value_plot
from vaehub.registry.catalog import Catalog

pytest.importorskip("matplotlib")
CATALOG = Catalog()
SAMPLES = {"frechet_distance": 12.5, "mean_term": 2.5, "covariance_term": 10.0, "is_rank_deficient": 0}
PAIRS = {"n_samples": 100, "n_pairs": 4950, "diversity": 0.4, "diversity_variance": 0.01}
MADE = {
    "elbo": Result({"elbo": -121.5, "distortion": 100.25, "kl": 21.25, "n_samples": 1000}),
    "reconstruction_error": Result({"squared_error": 12.0, "mse": 0.1875, "n_samples": 90, "distortion": 70.5}),
    "structure_preservation_index": Result({"index": 0.125, "n_samples": 50}, arrays={"rows": np.arange(50)}),
    "ssim_diversity": Result(PAIRS | {"diversity_low": 0.375, "diversity_high": 0.425}),
    "embedding_diversity": Result(PAIRS, tables={"features": Table({"features": ["pixels"]}, {"n_features": [64]})}),
    "frechet_distance": Result(SAMPLES | {"n_samples": 300, "n_relevant": 2}, {"relevant": [1.0, 0.0, 1.0]}),
}
"""Made-up values of each metric of ours that draws no plot of its own, by the names that it measures."""


def own_plot(metric):
    return metric.load(Metric).plot is not Metric.plot


def texts(figure):
    from matplotlib.text import Text

    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def test_each_metric_of_ours_has_a_picture_of_its_own_or_of_its_values():
    without = {each.entry.name for each in CATALOG.entries("metric") if not own_plot(each)}
    assert without == set(MADE)
    for name in without:
        units = CATALOG.find("metric", name).entry.units
        figure = value_plot(MADE[name], units, name)
        said = " ".join(texts(figure))
        assert all(each in said for each in MADE[name].scalars if not each.endswith(("_low", "_high"))), name
        assert set(units.values()) <= {axes.get_xlabel() for axes in figure.axes}
        assert len(figure.axes[0].lines) > 0


def test_a_great_number_hides_no_small_one_and_units_are_not_mixed():
    numbers = {"great": 1e6, "half": 5e5, "small": 0.5, "least": 1e-5, "time": 0.25}
    figure = value_plot(Result(numbers), {"time": "seconds"}, "m")
    rows = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    assert rows == [["great", "half"], ["small"], ["least"], ["time"]]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "seconds"]
    for axes in figure.axes:
        [dots] = [line for line in axes.lines if line.get_marker() == "o"]
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert dict(zip(names, dots.get_xdata(), strict=True)) == {name: numbers[name] for name in names}
        low, high = axes.get_xlim()
        assert low < min(dots.get_xdata())
        assert max(dots.get_xdata()) < high


def test_spreads_and_intervals_are_whiskers_of_the_number_they_are_of():
    found = {"a": 2.0, "a_se": 0.5, "b": 3.0, "b_low": 2.5, "b_high": 4.0, "c_sd": 1.0, "d_low": 1.0}
    [axes] = value_plot(Result(found), {}, "m").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c_sd", "d_low"]
    segments = [each.tolist() for lines in axes.collections for each in lines.get_segments()]
    assert [[1.5, 0], [2.5, 0]] in segments
    assert [[2.5, 1], [4, 1]] in segments
    assert {"2 ± 0.5 (se)", "3, 2.5 to 4"} <= set(texts(axes.figure))


def test_counts_and_flags_are_words_beside_the_title_unless_there_is_nothing_else():
    figure = value_plot(Result({"n_samples": 12345, "is_full": 1, "has_noise": 0, "x": 0.5}), {}, "m")
    assert figure.get_suptitle() == "m\nn_samples 12,345, is_full yes, has_noise no"
    alone = value_plot(Result({"n_clusters": 7}), {}, "m")
    assert [label.get_text() for label in alone.axes[0].get_yticklabels()] == ["n_clusters"]


def test_what_is_not_finite_is_said_and_alone_is_no_picture():
    numbers = {"a": 1.0, "b": np.nan, "c": np.inf}
    said = texts(value_plot(Result(numbers), {}, "m"))
    assert {"undefined", "∞"} <= set(said)
    del numbers["a"]
    assert value_plot(Result(numbers, {"v": [np.nan, np.nan]}), {}, "m") is None
    assert value_plot(Result(), {}, "m") is None


def test_vectors_are_bars_named_by_their_labels_and_long_ones_lines(rng):
    values = rng.normal(size=3)
    vectors = {"v": Vector(values, "layer", ["a", "bb", "z"]), "w": Vector(rng.normal(size=500), "row")}
    bars, line = value_plot(Result(vectors=vectors), {"v": "bits"}, "m").axes
    assert [bar.get_height() for bar in bars.patches] == values.tolist()
    assert [label.get_text() for label in bars.get_xticklabels()] == ["a", "bb", "z"]
    assert (bars.get_xlabel(), bars.get_ylabel(), bars.get_title()) == ("layer", "bits", "v")
    np.testing.assert_array_equal(line.lines[0].get_ydata(), vectors["w"].values)


def test_signatures_are_a_map_of_their_inner_products(rng):
    vectors = rng.normal(size=(3, 8)).astype(np.float32)
    shown = value_plot(Result({"n_samples": 5}, signatures={"s": Signatures("abc", vectors, "here")}), {}, "m")
    image = shown.axes[0].images[0]
    np.testing.assert_allclose(image.get_array(), vectors.astype(float) @ vectors.T.astype(float))


def test_tables_of_one_key_or_two_are_drawn_where_there_is_nothing_else():
    one = Table({"split": ["train", "test"]}, {"loss": [1.0, 2.0]})
    [axes] = value_plot(Result(tables={"t": one}), {"loss": "nats"}, "m").axes
    assert [bar.get_height() for bar in axes.patches] == [1.0, 2.0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("split", "nats", "t: loss")
    two = Table({"a": ["x", "x", "y"], "b": [1, 2, 1], "same": [0, 0, 0]}, {"s": [1.0, 2.0, 3.0]})
    matrix = value_plot(Result(tables={"t": two}), {}, "m").axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.asarray(matrix.filled(np.nan)), [[1, 2], [3, np.nan]])
    with_number = value_plot(Result({"x": 1.0}, tables={"t": two}), {}, "m")
    assert len(with_number.axes) == 1
    three = Table({"a": [0, 1], "b": [1, 0], "c": [1, 2]}, {"s": [1.0, 2.0]})
    assert value_plot(Result(tables={"t": three}), {}, "m") is None


def test_more_numbers_than_a_picture_shows_are_counted(monkeypatch):
    monkeypatch.setattr("vaehub.hub.value_plot.MOST_PANELS", 2)
    monkeypatch.setattr("vaehub.hub.value_plot.MOST_ROWS", 3)
    figure = value_plot(Result({f"x{at}": 1.0 for at in range(8)}), {}, "m")
    assert figure.get_suptitle() == "m\nthe first 2 of 3 panels"
    names = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert names == [f"x{at}" for at in range(6)]
