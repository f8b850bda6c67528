"""A value of each latent over a training."""

import numpy as np
import pytest

from vaehub import VaehubError
from vaehub.plugins.polarised.latent_history import LatentHistory

ROWS = {
    "epoch": np.array([10, 10, 2, 2]),
    "latent": np.array([0, 1, 0, 1]),
    "value": np.array([3.0, 1.0, 0.0, np.nan]),
}


def measured(rows, **params):
    metric = LatentHistory(LatentHistory.Params(**params))
    metric.check(rows)
    return metric, metric.measure(rows)


def test_values_are_in_order_of_snapshots_and_as_they_were():
    _, found = measured(ROWS)
    history = found.tables["history"]
    assert history.keys == {"snapshot": (2, 2, 10, 10), "latent": (0, 1, 0, 1)}
    np.testing.assert_array_equal(history.columns["value"], [0, np.nan, 3, 1])
    assert found.scalars == {"n_snapshots": 2, "n_latents": 2, "n_undefined": 1}


def test_a_picture_has_a_latent_in_a_row_and_a_snapshot_in_a_column():
    metric, found = measured(ROWS)
    axes, bar = metric.plot(found).axes
    np.testing.assert_array_equal(axes.images[0].get_array().filled(np.nan), [[0, 3], [np.nan, 1]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "10"]
    assert bar.get_ylabel() == "value"
    assert axes.images[0].get_clim() == (0, 3)


def test_trainings_are_beside_each_other_on_one_scale_around_nothing():
    rows = {name: np.concatenate([column, column]) for name, column in ROWS.items()}
    rows["value"][4:] *= -2
    rows["trained"] = np.array(["a"] * 4 + ["b"] * 4, dtype=object)
    metric, found = measured(rows, panel="trained")
    panels = [axes for axes in metric.plot(found).axes if axes.images]
    assert [axes.get_title() for axes in panels] == ["a", "b"]
    assert [axes.images[0].get_clim() for axes in panels] == [(-6, 6), (-6, 6)]


def test_of_many_snapshots_some_are_named():
    n = 100
    rows = {"epoch": np.arange(n), "latent": np.zeros(n, int), "value": np.ones(n)}
    metric, found = measured(rows)
    labels = [label.get_text() for label in metric.plot(found).axes[0].get_xticklabels()]
    assert labels[:2] == ["0", "9"]
    assert len(labels) == 12


def test_a_history_without_any_value_has_a_picture_all_the_same():
    metric, found = measured(ROWS | {"value": np.full(4, np.nan)})
    assert metric.plot(found).axes[0].images


@pytest.mark.parametrize(
    ("rows", "params", "words"),
    [
        (ROWS, {"snapshot": "step"}, "was asked for the column 'step', and the query has 'epoch', 'latent', 'value'"),
        (ROWS | {"epoch": np.array(["x"] * 4, dtype=object)}, {}, "is of numbers, which are not in 'epoch'"),
        (ROWS | {"epoch": np.ones(4)}, {}, "two for epoch 1, latent 0; name a column .* as the parameter 'panel'"),
        ({name: column[:0] for name, column in ROWS.items()}, {}, "is of rows, and the query has none"),
    ],
)
def test_rows_that_are_no_history_are_refused(rows, params, words):
    with pytest.raises(VaehubError, match=f"metric 'latent_history' .*{words}"):
        measured(rows, **params)
