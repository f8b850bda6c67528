"""What the user's own data are known by: older recipes stay, and what changes the data is another recipe."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from vaehub.core.params import parse
from vaehub.plugins.datasets.own.params import ArraysParams, VectorsParams

SHARED = {"split", "n_classes", "first", "per_class", "subset", "validation_last", "seed", "content", "labels"}
DECIDING = {
    ArraysParams: {"scale": "unit", "missing": "drop", "bins": 5, "cut": "quantiles"},
    VectorsParams: {
        "columns": "a",
        "factors": "a",
        "drop": "a",
        "missing": "drop",
        "bins": 5,
        "cut": "quantiles",
        "keep_index": True,
        "delimiter": ";",
        "header": True,
    },
}


def identity(params, path, **settings):
    return parse(params, {"path": path, **settings}, owner="x").identity()


@pytest.fixture
def arrays(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((3, 2)))
    return tmp_path / "data.npz"


def test_recipes_of_arrays_have_the_identity_that_they_had(arrays):
    found = identity(ArraysParams, arrays)
    assert found.keys() == SHARED | {"images", "factors", "layout", "channels", "size", "pad"}
    assert found == identity(ArraysParams, arrays, scale="none", missing="refuse", cut="widths")
    assert identity(ArraysParams, arrays, factors="x")["factors"] == "x"
    assert identity(ArraysParams, arrays, factors=["x", "y"]) == identity(ArraysParams, arrays, factors="x,y")


def table(path, about=None):
    made = pa.table({"a": [1.0, 2.0], "id": [7, 9]})
    parquet.write_table(made.replace_schema_metadata(about), path)
    return path


def test_recipes_of_tables_have_the_identity_that_they_had(tmp_path):
    found = identity(VectorsParams, table(tmp_path / "plain.parquet"))
    assert found.keys() == SHARED | {"scale"}
    assert len(found["content"]) == 24


def test_a_table_whose_index_is_left_out_is_not_the_one_that_had_it(tmp_path):
    path = table(tmp_path / "index.parquet", {"pandas": json.dumps({"index_columns": ["id"]})})
    left_out, kept = identity(VectorsParams, path)["content"], identity(VectorsParams, path, keep_index=True)["content"]
    assert left_out == f"{kept}-without-index"
    of_range = {"pandas": json.dumps({"index_columns": [{"kind": "range", "start": 0, "stop": 2, "step": 1}]})}
    assert len(identity(VectorsParams, table(tmp_path / "range.parquet", of_range))["content"]) == 24


@pytest.mark.parametrize(
    ("params", "name", "value"), [(params, *each) for params, settings in DECIDING.items() for each in settings.items()]
)
def test_what_changes_the_data_changes_the_identity(arrays, params, name, value):
    assert identity(params, arrays, **{name: value}) != identity(params, arrays)


def test_names_may_be_separated_by_commas_or_be_a_list(arrays):
    listed = identity(VectorsParams, arrays, columns=["a", "b", 3])
    assert listed == identity(VectorsParams, arrays, columns="a, b,3")
    assert identity(VectorsParams, arrays, columns=3)["columns"] == ["3"]
    assert identity(ArraysParams, arrays, images=0)["images"] == "0"
