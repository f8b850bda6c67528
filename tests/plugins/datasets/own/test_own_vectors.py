"""Parquet files of vectors."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from vaehub import DataError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own.params import VectorsParams
from vaehub.plugins.datasets.own.vectors import Vectors


def load(path, **settings):
    return Vectors(parse(VectorsParams, {"path": path, **settings}, owner="dataset 'vectors'")).load()


def saved(tmp_path, **columns):
    path = tmp_path / "vectors.parquet"
    parquet.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_columns_stand_side_by_side_and_a_label_is_the_label(tmp_path):
    data = load(saved(tmp_path, a=[1.5, 2.5, -3.0], label=["x", "z", "x"], b=pa.array([1, 2, 3], pa.int8())))
    assert data.x.tolist() == [[1.5, 1.0], [2.5, 2.0], [-3.0, 3.0]]
    assert data.labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float32(), 2), pa.large_list(pa.float64())])
def test_lists_of_one_length_are_several_columns(tmp_path, kind):
    data = load(saved(tmp_path, x=pa.array([[1, 2], [3, 4], [5, 6]], kind), y=[7.0, 8.0, 9.0]))
    assert data.x.tolist() == [[1, 2, 7], [3, 4, 8], [5, 6, 9]]


def test_another_column_can_be_the_labels(tmp_path):
    data = load(saved(tmp_path, a=[1.0, 2.0], kind=[20, 10]), labels="kind")
    assert data.spec.shape == (1,)
    assert data.labels.tolist() == [1, 0]


def test_columns_are_scaled_as_asked(tmp_path):
    path = saved(tmp_path, a=[0.0, 5.0, 10.0], constant=[3.0, 3.0, 3.0])
    assert load(path, scale="unit").x.tolist() == [[0, 0], [0.5, 0], [1, 0]]
    x = load(path, scale="standard").x
    np.testing.assert_allclose(x.mean(dim=0), 0, atol=1e-7)
    np.testing.assert_allclose(x.std(dim=0, correction=0), [1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0, None]}, "column 'a', has 1 missing values"),
        ({"a": [1.0, 2.0], "name": ["p", "q"]}, "column 'name', holds string, not numbers; drop it, or use it"),
        ({"a": [[1.0], [2.0, 3.0, 4.0]]}, "column 'a', holds lists of different lengths"),
        ({"label": [1, 2]}, "holds no columns of numbers; it has label"),
        ({"a": [1.0, float("nan")]}, "NaN or infinity"),
    ],
)
def test_what_is_no_vector_is_named(tmp_path, columns, words):
    with pytest.raises(DataError, match=words):
        load(saved(tmp_path, **columns))


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"nothing of the sort")
    with pytest.raises(DataError, match=r"x.parquet cannot be read as a Parquet file"):
        load(tmp_path / "x.parquet")


def test_a_missing_column_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(DataError, match="has no column 'kind'; it has a"):
        load(saved(tmp_path, a=[1.0]), labels="kind")
