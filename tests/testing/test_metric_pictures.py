"""What each metric of ours measures has a picture: its own, or that of its values."""

import io

import numpy as np
import pytest

from vaehub.analysis import plot_style
from vaehub.core.metric import Metric
from vaehub.hub import requests
from vaehub.hub.value_plot import value_plot
from vaehub.registry.catalog import Catalog
from vaehub.testing import metrics as kit
from vaehub.testing.bench import bench
from vaehub.testing.failures import Item

pytest.importorskip("matplotlib")
CATALOG = Catalog()


def words(*some, times=1):
    return np.array([*some] * times, dtype=object)


ROWS = {
    "correlation": {"cell": np.arange(6), "x": np.arange(6.0), "significant_dims": np.array([1.0, 2, 2, 4, 4, 5])},
    "curves": {"x": np.array([1.0, 2, 1, 2]), "y": np.array([3.0, 4, 5, 6])},
}
"""Columns of queries, for metrics of tables."""
SETTINGS = {"frechet_distance": {"few_samples": True}}


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.entry.name for each in CATALOG.entries("metric")])
def test_what_a_metric_measures_has_a_picture(name):
    item = Item(CATALOG.find("metric", name), CATALOG)
    tools, entry = bench(), item.registered.entry
    _, component = requests.metric_of(CATALOG, item.whole_name, SETTINGS.get(name, {}), tools.hub.store.training_id)
    measuring = kit.Measuring(item, entry, component, tools)
    result = measuring.measure(kit._accepted(measuring, ROWS.get(name), None))
    metric = item.registered.load(Metric)(component.params, 0, None, name, None)
    with plot_style():
        figure = metric.plot(result) or value_plot(result, entry.units, name)
        assert figure is not None
        written = io.BytesIO()
        figure.savefig(written, format="svg")
    assert written.getvalue().count(b"<path") > 5
