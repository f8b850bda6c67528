"""The plane of rate and distortion as a metric of rows."""

import numpy as np
import pytest

from vaehub import Hub, VaehubError
from vaehub.plugins.rate_distortion.params import RateDistortionPlaneParams
from vaehub.plugins.rate_distortion.rate_distortion_plane import RateDistortionPlane


@pytest.fixture
def rows():
    return {
        "rate": np.array([0.0, 2.0, 5.0, np.nan]),
        "distortion": np.array([30, 25, 23, 20]),
        "beta": np.array([8.0, 1.0, 0.25, 0.1]),
        "model": np.array(["beta_vae", "vae", None, "vae"], dtype=object),
    }


def metric(**settings):
    return RateDistortionPlane(RateDistortionPlaneParams(**settings))


def measured(rows, **settings):
    asked = metric(**settings)
    asked.check(rows)
    return asked.measure(rows)


def test_runs_are_kept_with_their_bounds_and_incomplete_ones_counted(rows):
    result = measured(rows, label="beta")
    table = result.tables["plane"]
    assert table.keys == {"run": (0, 1, 2), "label": (8.0, 1.0, 0.25)}
    assert table.columns["elbo"].tolist() == [-30, -27, -28]
    assert result.scalars == {"n": 3, "n_left_out": 1, "best_elbo": -27}


def test_a_label_that_is_missing_has_a_name(rows):
    assert measured(rows, label="model").tables["plane"].keys["label"] == ("beta_vae", "vae", "none")
    rows["beta"][0] = np.nan
    assert measured(rows, label="beta").tables["plane"].keys["label"] == ("none", 1.0, 0.25)


def test_columns_that_are_missing_or_text_are_refused(rows):
    with pytest.raises(VaehubError, match="asked for the column 'r', 'gamma', and the query has 'rate', 'distortion'"):
        measured(rows, rate="r", label="gamma")
    with pytest.raises(VaehubError, match="is of numbers, which are not in 'model'"):
        measured(rows, rate="model")


def test_rows_without_one_run_are_refused(rows):
    rows["rate"][:] = np.nan
    with pytest.raises(VaehubError, match="and none of 4 rows has one"):
        measured(rows)


@pytest.mark.parametrize("label", [None, "beta", "model"])
def test_the_picture_has_every_run_and_the_line_of_the_best(rows, label):
    result = measured(rows, label=label)
    [axes] = metric(label=label).plot(result).axes
    assert sum(len(each.get_offsets()) for each in axes.collections) == 3
    assert axes.lines[0].get_xy1()[1] == 27


def test_many_numbers_are_shown_by_a_scale(rng):
    rows = {name: rng.uniform(1, 9, size=40) for name in ("rate", "distortion", "beta")}
    axes, scale = metric(label="beta").plot(measured(rows, label="beta")).axes
    assert scale.get_ylabel() == "beta"
    assert len(axes.collections[0].get_offsets()) == 40


def test_runs_of_a_store_are_drawn_again_from_what_is_stored():
    hub = Hub.open("store")
    for beta in (0.5, 4.0):
        settings = {"train.epochs": 1, "model.latent_dim": 3, "model.beta": beta}
        hub.run("beta_vae", "rate_distortion", settings=settings)
    rows = hub.sql("""
        select
            first(beta) as beta,
            first(value) filter (name = 'rate') as rate,
            first(value) filter (name = 'distortion') as distortion
        from results where metric = 'rate_distortion' group by measurement
    """)
    found = hub.measure("rate_distortion_plane", rows, settings={"label": "beta"})
    axes = hub.figure(found.id).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()][1:] == ["0.5", "4"]
