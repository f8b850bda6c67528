"""The dimension of datasets, as metrics."""

import subprocess
import sys

import manifolds
import numpy as np
import pytest
import torch
from matplotlib import colors

from vaehub import DataError, Dataset, VaehubError
from vaehub.hub.refusals import refuse
from vaehub.plugins.intrinsic_dimension.gride import IntrinsicDimensionGride
from vaehub.plugins.intrinsic_dimension.kernels import gride_of, local_of, mle_of, nearest, two_nn_of
from vaehub.plugins.intrinsic_dimension.maximum_likelihood import IntrinsicDimensionMle
from vaehub.plugins.intrinsic_dimension.params import MleParams
from vaehub.plugins.intrinsic_dimension.two_neighbours import IntrinsicDimensionTwoNn

METRICS = ["intrinsic_dimension_mle", "intrinsic_dimension_twonn", "intrinsic_dimension_gride"]
CLASSES = [IntrinsicDimensionMle, IntrinsicDimensionTwoNn, IntrinsicDimensionGride]


@pytest.fixture
def plane(rng):
    return Dataset(torch.from_numpy(manifolds.plane(600, 3, rng)).float())


def metric_of(kind, seed=0, **params):
    return kind(kind.Params(**params), seed, name=METRICS[CLASSES.index(kind)])


def measured(kind, data, seed=0, **params):
    metric = metric_of(kind, seed, **params)
    refuse(metric, data)
    return metric.measure(data)


# Values


def test_mle_is_of_each_k_and_the_stable_one_is_retained(plane):
    found = measured(IntrinsicDimensionMle, plane)
    table = nearest(plane.x, 20)
    assert found.vectors["mle"].labels == ("3", "5", "10", "20")
    assert found.vectors["mle"].index == "k"
    assert found.vectors["mle"].values == pytest.approx([mle_of(table, k) for k in (3, 5, 10, 20)], rel=1e-12)
    at = found.vectors["mle"].labels.index(str(int(found.scalars["retained_k"])))
    assert found.scalars["dimension"] == found.vectors["mle"].values[at] == pytest.approx(3, rel=0.15)
    assert found.scalars["n_stable"] >= 2
    np.testing.assert_allclose(found.arrays["local"], local_of(table, int(found.scalars["retained_k"])), rtol=1e-12)
    assert found.arrays["rows"].tolist() == list(range(600))
    assert (found.scalars["n_observations"], found.scalars["n_duplicates"], found.scalars["n_too_near"]) == (600, 0, 0)


def test_the_code_of_the_thesis_is_a_preset(plane):
    params = MleParams(preset="thesis-code")
    assert (params.aggregation, params.normaliser, params.anchor, params.runs) == ("pooled", "k-2", 0.8, 5)
    assert params.identity() == MleParams(normaliser="k-2", anchor=0.8, runs=5).identity()
    assert MleParams(preset="thesis-code", runs=3).runs == 3
    found, all_of_it = (measured(IntrinsicDimensionMle, plane, **given) for given in ({"preset": "thesis-code"}, {}))
    factors = np.array([1 / 2, 3 / 4, 8 / 9, 18 / 19])
    assert found.vectors["mle"].values == pytest.approx(factors * all_of_it.vectors["mle"].values, rel=0.1)
    assert (found.vectors["mle_deviation"].values > 0).all()


def test_runs_are_drawn_by_the_seed(plane):
    once, again, other = (
        measured(IntrinsicDimensionMle, plane, seed, anchor=0.5, runs=2).vectors["mle"].values.tolist()
        for seed in (0, 0, 1)
    )
    assert once == again != other


def test_twonn_is_that_of_the_kernel(plane):
    found = measured(IntrinsicDimensionTwoNn, plane, cdf="(i-1)/n", discard=0.2)
    assert found.scalars["dimension"] == pytest.approx(two_nn_of(nearest(plane.x, 2), 0.2, "(i-1)/n"), rel=1e-12)
    assert found.scalars["n_kept"] == len(found.arrays["minus_log_survival"]) == 480
    likelihood = measured(IntrinsicDimensionTwoNn, plane, fit="likelihood").scalars["dimension"]
    assert likelihood == pytest.approx(two_nn_of(nearest(plane.x, 2), fit="likelihood"), rel=1e-12)


def test_gride_has_an_estimate_for_each_scale(plane):
    found = measured(IntrinsicDimensionGride, plane, max_order=20)
    assert found.vectors["gride"].labels == ("1", "2", "4", "8", "16")
    table = nearest(plane.x, 32)
    expected = [gride_of(table, order) for order in (1, 2, 4, 8, 16)]
    assert found.vectors["gride"].values == pytest.approx([each.dimension for each in expected], rel=1e-12)
    assert found.vectors["gride_error"].values == pytest.approx([each.error for each in expected], rel=1e-12)
    assert (np.diff(found.vectors["gride_distance"].values) > 0).all()
    assert found.scalars["dimension"] == pytest.approx(3, rel=0.15)


# Options of the estimates


@pytest.mark.parametrize(("aggregation", "normaliser"), [("mean", "k-1"), ("median", "k-2")])
def test_aggregation_and_normaliser_are_those_asked_for(plane, aggregation, normaliser):
    found = measured(IntrinsicDimensionMle, plane, k=(5, 9), aggregation=aggregation, normaliser=normaliser)
    table = nearest(plane.x, 9)
    expected = [mle_of(table, k, aggregation, normaliser) for k in (5, 9)]
    assert found.vectors["mle"].labels == ("5", "9")
    assert found.vectors["mle"].values == pytest.approx(expected, rel=1e-12)
    k = int(found.scalars["retained_k"])
    np.testing.assert_allclose(found.arrays["local"], local_of(table, k, normaliser), rtol=1e-12)


def test_a_run_averages_over_the_share_asked_for_and_runs_over_each_other(plane):
    whole, share, runs = (
        measured(IntrinsicDimensionMle, plane, **asked).vectors for asked in ({}, {"anchor": 0.2}, {"runs": 2})
    )
    assert (share["mle"].values != whole["mle"].values).all()
    assert share.keys() == whole.keys() == {"mle"}
    # Of all observations, each run is the same.
    assert runs["mle"].values == pytest.approx(whole["mle"].values, rel=1e-12)
    assert runs["mle_deviation"].values == pytest.approx([0] * 4, abs=1e-12)


@pytest.mark.parametrize(("kind", "n"), [(IntrinsicDimensionMle, 4), (IntrinsicDimensionGride, 7)])
def test_tolerance_decides_how_many_estimates_are_stable(plane, kind, n):
    assert [measured(kind, plane, tolerance=share).scalars["n_stable"] for share in (0, 10)] == [1, n]


def test_the_share_of_copies_is_limited_in_each_metric(plane):
    data = Dataset(torch.cat([plane.x[:300], plane.x[:100]]))
    for kind in CLASSES:
        assert measured(kind, data).scalars["n_duplicates"] == 100
        with pytest.raises(DataError, match="more than the share of 0.2 that may be"):
            measured(kind, data, max_duplicates=0.2)


# Which observations


def test_as_many_are_drawn_as_there_are_or_as_are_asked_for(plane):
    for n_samples, expected in ((10_000, 600), ("all", 600), (50, 50)):
        rows = measured(IntrinsicDimensionMle, plane, n_samples=n_samples).arrays["rows"]
        assert len(rows) == expected
        assert (np.diff(rows) > 0).all()
    for kind in CLASSES:
        found = measured(kind, plane, n_samples=200)
        assert (found.scalars["n_samples"], found.scalars["n_observations"]) == (200, 200)
        assert found.scalars["dimension"] != measured(kind, plane).scalars["dimension"]


def test_copies_are_dropped_and_reported(plane):
    twice = Dataset(torch.cat([plane.x, plane.x[:200]]))
    once, more = (measured(IntrinsicDimensionMle, data, n_samples="all") for data in (plane, twice))
    assert [more.scalars[name] for name in ("n_samples", "n_duplicates", "n_observations")] == [800, 200, 600]
    np.testing.assert_array_equal(np.sort(more.arrays["local"]), np.sort(once.arrays["local"]))


@pytest.mark.parametrize("kind", CLASSES)
def test_the_split_is_the_one_asked_for(plane, kind):
    parted = plane.with_validation(0.25, torch.Generator().manual_seed(0))
    found = {name: measured(kind, parted, split=name).scalars for name in ("train", "validation", "all")}
    assert {name: scalars["n_samples"] for name, scalars in found.items()} == {
        "train": 450,
        "validation": 150,
        "all": 600,
    }
    assert len({scalars["dimension"] for scalars in found.values()}) == 3
    assert measured(kind, parted).scalars == found["train"]
    with pytest.raises(DataError, match="there is no split 'test' of these data, there is train, validation, all"):
        measured(kind, parted, split="test")


# In a store


@pytest.mark.parametrize("metric", METRICS)
def test_digits_are_measured_without_training(hub, metric):
    found = hub.run("vae", metric, dataset="digits")[0]
    assert 4 < found["dimension"] < 14
    rows = hub.sql("select value from results where name = 'dimension'")
    assert [tuple(row) for row in rows] == [(found["dimension"],)]
    assert hub.figure(found.id).axes


def test_several_k_can_be_asked_for_in_text(hub):
    found = hub.measure("intrinsic_dimension_mle", "digits", settings={"k": [20, 7]})
    assert found.result.vectors["mle"].labels == ("7", "20")


def test_real_digits(hub, real_data):
    found = hub.measure("intrinsic_dimension_mle", "mnist", settings={"n_samples": 2000})
    assert 8 < found["dimension"] < 14


# Plots


def test_plots_show_what_was_measured(plane):
    for kind, n_axes in zip(CLASSES, (2, 1, 1), strict=True):
        figure = kind(kind.Params()).plot(measured(kind, plane))
        assert len(figure.axes) == n_axes
        figure.canvas.draw()


def test_estimates_by_neighbours_are_drawn_beside_the_retained_one_and_each_observation(plane):
    found = measured(IntrinsicDimensionMle, plane, k=(10, 5), tolerance=10, n_samples=100)
    left, right = metric_of(IntrinsicDimensionMle).plot(found).axes
    [line, retained] = left.lines
    assert line.get_xdata().tolist() == [5, 10]
    assert line.get_ydata().tolist() == found.vectors["mle"].values.tolist()
    assert set(retained.get_ydata()) == {found.scalars["dimension"]}
    assert colors.same_color(retained.get_color(), "#D55E00")
    [text] = left.get_legend().get_texts()
    assert text.get_text() == f"{found.scalars['dimension']:.2f}, retained at k = 10"
    # Of the greatest local estimates, one in a hundred is beyond the axis.
    assert sum(bar.get_height() for bar in right.patches) == 99
    assert set(right.lines[0].get_xdata()) == {found.scalars["dimension"]}


def test_points_on_the_line_are_blue_and_those_left_out_grey(plane):
    found = measured(IntrinsicDimensionTwoNn, plane, n_samples=100)
    [axes] = metric_of(IntrinsicDimensionTwoNn).plot(found).axes
    kept, rest, line = axes.lines
    assert kept.get_xdata().tolist() == found.arrays["log_ratio"][:90].tolist()
    assert kept.get_ydata().tolist() == found.arrays["minus_log_survival"].tolist()
    assert rest.get_xdata().tolist() == found.arrays["log_ratio"][90:-1].tolist()
    assert line.get_ydata()[1] / line.get_xdata()[1] == pytest.approx(found.scalars["dimension"])
    assert colors.same_color(kept.get_color(), "#0072B2")
    assert colors.same_color(rest.get_color(), "0.7")


def test_estimates_by_scale_stand_at_their_distances_with_their_orders(plane):
    found = measured(IntrinsicDimensionGride, plane, max_order=4, tolerance=10)
    [axes] = metric_of(IntrinsicDimensionGride).plot(found).axes
    line, retained = axes.lines[0], axes.lines[-1]
    assert line.get_xdata().tolist() == found.vectors["gride_distance"].values.tolist()
    assert line.get_ydata().tolist() == found.vectors["gride"].values.tolist()
    assert [text.get_text() for text in axes.texts] == ["1", "2", "4"]
    assert set(retained.get_ydata()) == {found.vectors["gride"].values[-1]}


@pytest.mark.parametrize("kind", CLASSES)
def test_equal_distances_are_drawn_and_stored_as_infinite(kind):
    data = Dataset(torch.eye(150))
    found = measured(kind, data)
    assert found.scalars["dimension"] == float("inf")
    kind(kind.Params()).plot(found).canvas.draw()


# What is refused


@pytest.mark.parametrize(("kind", "k"), list(zip(CLASSES, (20, 2, 128), strict=True)))
def test_too_few_observations_are_refused(kind, k, rng):
    few = Dataset(torch.from_numpy(rng.normal(size=(k, 4))).float())
    name = METRICS[CLASSES.index(kind)]
    with pytest.raises(DataError, match=f"metric '{name}' needs at least {k + 1} observations, and got {k}: "):
        refuse(metric_of(kind), few)


def test_too_small_a_sample_is_refused(plane):
    with pytest.raises(DataError, match="got 20: the split 'train' has 600, and n_samples is 20; raise"):
        measured(IntrinsicDimensionMle, plane, n_samples=20)


@pytest.mark.parametrize("kind", CLASSES)
def test_copies_of_one_observation_are_refused_before_work(kind):
    name = METRICS[CLASSES.index(kind)]
    data = Dataset(torch.cat([torch.ones(300, 5), torch.rand(300, 5)]), splits={"train": range(300)})
    message = f"^metric '{name}' needs observations that differ, and all 300 of the split 'train' are copies of one"
    with pytest.raises(DataError, match=message):
        refuse(metric_of(kind), data)
    refuse(metric_of(kind, split="all"), data)


@pytest.mark.parametrize("kind", CLASSES)
def test_fewer_different_observations_than_neighbours_are_refused(kind):
    name = METRICS[CLASSES.index(kind)]
    data = Dataset(torch.eye(2).repeat(150, 1))
    with pytest.raises(DataError, match=f"metric '{name}' cannot be asked .* there are 2 among the 300 given, 298"):
        measured(kind, data)


def test_too_many_copies_are_refused_unless_allowed(plane):
    data = Dataset(plane.x[:200].repeat(3, 1))
    with pytest.raises(DataError, match="got 400 exact copies among 600 observations, more than the share of 0.5"):
        measured(IntrinsicDimensionMle, data)
    assert measured(IntrinsicDimensionMle, data, max_duplicates=0.9).scalars["n_duplicates"] == 400


@pytest.mark.parametrize(
    ("metric", "params", "message"),
    [
        ("intrinsic_dimension_mle", {"k": [2, 5], "normaliser": "k-2"}, "a normaliser of k-2 needs a k of at least 3"),
        ("intrinsic_dimension_mle", {"k": [1]}, "'k"),
        ("intrinsic_dimension_mle", {"preset": "thesis"}, "thesis-code"),
        ("intrinsic_dimension_twonn", {"discard": 0}, "set discard above 0, or cdf="),
        ("intrinsic_dimension_mle", {"anchor": 0}, "anchor"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(hub, metric, params, message):
    with pytest.raises(VaehubError, match=message):
        hub.measure(metric, "digits", settings=params)


def test_manifest_and_parameters_load_no_torch():
    code = (
        "import sys, vaehub.plugins.intrinsic_dimension, vaehub.plugins.intrinsic_dimension.params; "
        "sys.exit(bool({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
