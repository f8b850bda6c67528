"""Parquet files of vectors."""

import json

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
        (
            {"a": [1.0, 2.0], "name": ["p", "q"]},
            "column 'name', holds string, not numbers, such as 'p'; drop it, or use it as labels",
        ),
        ({"a": [[1.0], [2.0, 3.0, 4.0]]}, "column 'a', holds lists of different lengths"),
        ({"label": [1, 2]}, "holds no columns of numbers; it has 'label'"),
        ({"a": [1.0, float("nan")]}, "column 'a', has 1 missing values"),
        ({"a": [1.0, float("inf")]}, "NaN or infinity"),
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
    with pytest.raises(DataError, match="has no column 'kind', it has 'a'; set 'data.labels'"):
        load(saved(tmp_path, a=[1.0]), labels="kind")


def with_index(path, columns, index):
    """Write a table as pandas does whose index is some of its columns."""
    about = {"index_columns": index, "column_indexes": [], "columns": [], "pandas_version": "3.0.0"}
    parquet.write_table(pa.table(columns).replace_schema_metadata({"pandas": json.dumps(about)}), path)
    return path


@pytest.mark.parametrize("index", [["__index_level_0__"], ["sample"], ["sample", "__index_level_1__"]])
def test_the_index_of_pandas_is_no_observation_unless_it_is_wanted(tmp_path, index):
    columns = {"a": [1.0, 2.0], **{name: [3, 5] for name in index}}
    path = with_index(tmp_path / "x.parquet", columns, index)
    data = load(path)
    assert data.x.tolist() == [[1], [2]]
    assert all(repr(name) in data.notes[0] for name in index)
    assert load(path, keep_index=True).x.tolist() == [[1, *[3] * len(index)], [2, *[5] * len(index)]]
    assert load(path, columns=index[0]).x.tolist() == [[3], [5]]
    assert load(path, labels=index[0]).class_names == ("3", "5")


def test_an_index_that_is_a_range_or_lost_its_mark_is_none_either(tmp_path):
    stop = {"kind": "range", "name": None, "start": 0, "stop": 2, "step": 1}
    assert load(with_index(tmp_path / "range.parquet", {"a": [1.0, 2.0]}, [stop])).spec.shape == (1,)
    lost = saved(tmp_path, a=[1.0, 2.0], __index_level_0__=[4, 2])  # as polars writes on what it read
    assert load(lost).x.tolist() == [[1], [2]]


def test_what_pandas_writes_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(
        {"a": [1.0, 2.0, 3.0], "n": pandas.array([1, None, 3], "Int64"), "label": ["x", "y", None]}
    )
    table["kind"] = pandas.Categorical(["p", "q", "p"])
    table = table[table.a > 1].set_index(pandas.Index(["r", "s"], name="row"))
    table.to_parquet(tmp_path / "x.parquet")
    data = load(tmp_path / "x.parquet", columns="a", labels="kind", factors="a")
    with_n = load(tmp_path / "x.parquet", columns="a,n", labels="none", missing="drop")
    assert (data.class_names, data.factors.values) == (("p", "q"), ((2.0, 3.0),))
    assert with_n.x.tolist() == [[3, 3]]


def test_columns_are_chosen_and_dropped(tmp_path):
    path = saved(tmp_path, a=[1.0, 2.0], b=[3.0, 4.0], c=[5.0, 6.0], word=["x", "y"], label=[0, 1])
    assert load(path, columns="c,a").x.tolist() == [[5, 1], [6, 2]]
    assert load(path, drop="word,b").x.tolist() == [[1, 5], [2, 6]]
    declined = load(path, drop="word", labels="none")
    assert declined.labels is None
    assert declined.spec.shape == (3,)  # the declined one is no observation either, unless it is named
    assert load(path, columns="a,label", labels="none").x.tolist() == [[1, 0], [2, 1]]
    data = load(path, labels="word", factors=["label", "b"])
    assert data.x.tolist() == [[1, 5], [2, 6]]
    assert data.factors.values == ((0, 1), (3.0, 4.0))


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    (tmp_path / "year=2026").mkdir()
    assert load(saved(tmp_path / "year=2026", a=[1.0, 2.0])).x.tolist() == [[1], [2]]


def test_a_name_with_a_point_is_a_name(tmp_path):
    path = saved(tmp_path, **{"a.b": [1.0, 2.0], "a": [3.0, 4.0]})
    assert load(path, columns="a.b").x.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None, 3], pa.int64()), [[1], [3]]),
        (pa.array([1.0, float("nan"), 3.0]), [[1], [3]]),
        (pa.array([True, None, False]), [[1], [0]]),
        (pa.array([[1, 2], None, [5, 6]], pa.list_(pa.int8())), [[1, 2], [5, 6]]),
        (pa.array([[1, 2], None, [5, 6]], pa.list_(pa.float32(), 2)), [[1, 2], [5, 6]]),
        (pa.array([[1, 2], [None, 4], [5, 6]], pa.list_(pa.float32())), [[1, 2], [5, 6]]),
        (pa.array([[[1], [2]], [[3], None], [[5], [6]]], pa.list_(pa.list_(pa.float32(), 1), 2)), [[1, 2], [5, 6]]),
        (pa.array(["1.5", None, "2.5"]).cast(pa.decimal128(6, 2)), [[1.5], [2.5]]),
        (pa.array([1, None, 3], pa.int8()).dictionary_encode(), [[1], [3]]),
        (pa.array([1, None, 2], pa.float16()), [[1], [2]]),
    ],
)
def test_rows_with_a_missing_value_are_refused_or_left_out(tmp_path, column, expected):
    path = saved(tmp_path, a=column, label=["x", "y", "z"])
    with pytest.raises(DataError, match=r"column 'a', has 1 missing values; .*'-s data.missing=drop'"):
        load(path)
    data = load(path, missing="drop")
    assert data.x.tolist() == expected
    assert data.class_names == ("x", "z")


def test_tensors_are_vectors(tmp_path):
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12.0).reshape(3, 2, 2))
    assert load(saved(tmp_path, x=tensors)).x.tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_labels_and_factors_that_are_missing_are_no_class(tmp_path):
    path = saved(tmp_path, a=[1.0, 2.0, 3.0, 4.0], kind=["x", None, "", "y"], dose=[0.5, 1.5, 2.5, None])
    with pytest.raises(
        DataError, match="column 'kind', has 2 missing values.*or the labels with '-s data.labels=none'"
    ):
        load(path, labels="kind", drop="dose")
    assert load(path, labels="kind", drop="dose", missing="drop").labels.tolist() == [0, 1]
    with pytest.raises(DataError, match="column 'dose', has 1 missing values.*or take other factors"):
        load(path, factors="dose", drop="kind")
    both = load(path, labels="kind", factors="dose", missing="drop")
    assert both.x.tolist() == [[1]]
    assert "3 of 4 rows are left out" in both.notes[-1]
    with pytest.raises(DataError, match="has no row without a missing value"):
        load(saved(tmp_path, a=[1.0], kind=[None]), labels="kind", missing="drop")


def test_identifiers_are_classes_beyond_what_floating_point_holds(tmp_path):
    ids = pa.array([2**63 + 5, 2**63 + 6, None], pa.uint64())
    data = load(saved(tmp_path, a=[1.0, 2.0, 3.0], label=ids), missing="drop")
    assert data.class_names == ("9223372036854775813", "9223372036854775814")


def test_scaling_has_the_bits_of_the_plain_formula(tmp_path):
    x = np.random.default_rng(0).normal(3e3, 7e2, (1000, 3))
    path = saved(tmp_path, **{f"x{at}": x[:, at] for at in range(3)})
    expected = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    assert np.array_equal(load(path, scale="standard").x, expected)
    expected = ((x - x.min(axis=0)) / np.ptp(x, axis=0)).astype(np.float32)
    assert np.array_equal(load(path, scale="unit").x, expected)
    np.testing.assert_allclose(load(path, scale="log1p").x, np.log1p(x), rtol=1e-6)


def test_what_is_left_out_does_not_scale(tmp_path):
    path = saved(tmp_path, a=[0.0, 1.0, 100.0], label=["x", "y", None])
    assert load(path, scale="unit", missing="drop").x.tolist() == [[0], [1]]


def test_lists_of_one_are_labels(tmp_path):
    path = saved(tmp_path, a=[1.0, 2.0, 3.0], label=pa.array([["x"], None, ["y"]]), kind=pa.array([[7], [7], [9]]))
    data = load(path, factors="kind", missing="drop")
    assert data.class_names == ("x", "y")
    assert data.factors.values == ((7, 9),)


def test_numbers_beyond_single_precision_are_refused_or_scaled(tmp_path):
    path = saved(tmp_path, a=[1e40, 2e40, 3e40])
    with pytest.raises(DataError, match=r"reaches 3e\+40, beyond the numbers of single precision; scale it"):
        load(path)
    assert load(path, scale="unit").x.tolist() == [[0], [0.5], [1]]
