"""Long answers as JSON are written in parts, and read as if they were not."""

import io
import json
import math

import pyarrow as pa
import pytest

from vaehub.cli import json_rows, terminal
from vaehub.hub.views import Rows


@pytest.mark.parametrize("n", [0, 1, 2, json_rows.PART, 2 * json_rows.PART + 1])
def test_rows_are_written_as_the_whole_list_would_be(n, capsys):
    table = pa.table(
        {
            "n": pa.array(range(n), pa.int64()),
            "x": pa.array([math.nan if at % 3 else at / 7 for at in range(n)], pa.float64()),
            "text": pa.array([f"a\nb é {at}" for at in range(n)], pa.string()),
            "nested": pa.array([[{"a": at}] for at in range(n)], pa.list_(pa.struct([("a", pa.int64())]))),
        }
    )
    found = io.StringIO()
    json_rows.write(Rows(table), found)
    terminal.print_json([dict(zip(table.column_names, row, strict=True)) for row in Rows(table)])
    assert found.getvalue() == capsys.readouterr().out
    assert len(json.loads(found.getvalue())) == n


def test_json_is_an_object_and_not_its_text():
    kinds = pa.schema([pa.field("params", pa.string(), metadata={"kind": "json"}), pa.field("text", pa.string())])
    table = pa.table([['{"n": [1, null]}', None, "2"], ['{"n": 1}', "null", ""]], schema=kinds)
    found = io.StringIO()
    json_rows.write(Rows(table), found)
    assert json.loads(found.getvalue()) == [
        {"params": {"n": [1, None]}, "text": '{"n": 1}'},
        {"params": None, "text": "null"},
        {"params": 2, "text": ""},
    ]
