"""Of long vectors and tables, the head is shown, and how many values there are is said."""

from datetime import datetime

import numpy as np
import pytest

from vaehub import Result, Table
from vaehub.cli import records
from vaehub.hub.views import Measurement
from vaehub.store.records import MeasurementRecord


def shown(result, capsys):
    asked = ("m1", "relevance", {}, 0, {"dataset": {"name": "digits"}}, {}, None, None)
    record = MeasurementRecord(*asked, "done", None, datetime(2026, 11, 21), 0.0)
    records.measurement(Measurement(record, result, None, reused=True))
    return capsys.readouterr().out


@pytest.mark.parametrize("n", [records.HEAD, records.HEAD + 1, 5000])
def test_of_a_long_vector_the_head_is_shown(n, capsys):
    text = shown(Result(vectors={"v": np.arange(1.0, n + 1)}), capsys)
    assert text.count("\n") < records.HEAD + 12
    assert (f"{records.HEAD} of {n:,} values" in text) == (n > records.HEAD)


@pytest.mark.parametrize("n", [records.ROWS, 132, 5000])
def test_of_a_long_table_fewer_rows_are_shown_and_all_are_counted(n, capsys):
    table = Table({"a": list(range(n))}, {"x": np.arange(float(n))})
    text = shown(Result(tables={"pairs": table}), capsys)
    assert text.count("\n") < records.ROWS + 12
    assert (f"{records.ROWS} of {n:,} rows; 'vaehub sql' and '--json' give all" in text) == (n > records.ROWS)
