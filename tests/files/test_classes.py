"""Classes of labels and factors of any values."""

import datetime

import numpy as np
import pytest
import torch

from vaehub import DataError
from vaehub.files.classes import classes_of, factors_of, is_missing


@pytest.mark.parametrize(
    ("values", "codes", "names"),
    [
        ([2, 0, 1], [2, 0, 1], ("0", "1", "2")),
        ([20240003, 20240001, 20240003], [1, 0, 1], ("20240001", "20240003")),
        ([0, 10**7, 10**9], [0, 1, 2], ("0", "10000000", "1000000000")),
        ([-1, 1, -1], [0, 1, 0], ("-1", "1")),
        (
            np.array([2**63 + 5, 2**64 - 1, 7], np.uint64),
            [1, 2, 0],
            ("7", "9223372036854775813", "18446744073709551615"),
        ),
        ([True, True], [0, 0], ("True",)),
        ([1.0, 0.5, 1.0], [1, 0, 1], ("0.5", "1")),
        (np.array([0.1, 3], np.float32), [0, 1], ("0.1", "3")),
        (["dog", "cat", "none"], [1, 0, 2], ("cat", "dog", "none")),
        (np.array([b"dog", b"cat", "größe".encode()]), [1, 0, 2], ("cat", "dog", "größe")),
        (np.array(["b", b"a", "a"], object), [1, 0, 0], ("a", "b")),
        (np.array([7, "x", 7.0], object), [0, 1, 0], ("7", "x")),
        (np.array([2**70, 3], object), [0, 1], ("1180591620717411303424", "3")),
        ([[4], [9]], [0, 1], ("4", "9")),
        (torch.tensor([5, 3]), [1, 0], ("3", "5")),
        (np.array(["2026-01-02", "2026-01-01"], "datetime64[D]"), [1, 0], ("2026-01-01", "2026-01-02")),
        ([datetime.date(2026, 1, 1)], [0], ("2026-01-01",)),
    ],
)
def test_distinct_values_are_the_classes(values, codes, names):
    found = classes_of(values)
    assert found.codes.tolist() == codes
    assert found.codes.dtype == np.int64
    assert found.names == names
    assert not found.missing.any()


@pytest.mark.parametrize(
    "values",
    [
        [1.0, np.nan, 2.0],
        ["a", "", "b"],
        np.array(["a", np.nan, "b"]),  # numpy writes it as the text nan
        np.array(["a", None, "b"], object),
        np.array(["a", float("nan"), "b"], object),
        np.array([b"a", b"", b"b"]),
        np.array([3, None, 4], object),
        np.array(["2026-01-01", "NaT", "2026-01-02"], "datetime64[s]"),
    ],
)
def test_missing_values_are_no_class(values):
    found = classes_of(values)
    assert found.codes.tolist() == [0, -1, 1]
    assert len(found.names) == 2
    assert found.missing.tolist() == [False, True, False]


def test_missing_values_of_pandas_are_no_class():
    pandas = pytest.importorskip("pandas")
    for series in (
        pandas.Series([1, None, 2], dtype="Int64"),
        pandas.Series(["a", None, "b"], dtype="string"),
        pandas.Series(["a", None, "b"], dtype="category"),
        pandas.Series([True, None, False], dtype="boolean"),
    ):
        assert classes_of(series).missing.tolist() == [False, True, False]


def test_rows_of_several_columns_miss_something_where_one_value_does():
    assert is_missing([[1.0, 2.0], [np.nan, 1.0]]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.eye(3), r"labels have shape \(3, 3\), and should be one number or word each"),
        (np.array([[1, 2], None], object), "labels are objects such as"),
        ([1j], "labels are complex128"),
    ],
)
def test_what_is_no_label_is_named(values, words):
    with pytest.raises(DataError, match=words):
        classes_of(values)


def test_factors_have_the_values_and_names_of_their_classes():
    factors = factors_of({"dose": [0.5, 10.0, 0.5], "donor": ["b", "a", "a"]})
    assert factors.names == ("dose", "donor")
    assert factors.sizes == (2, 2)
    assert factors.classes.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert factors.values == ((0.5, 10.0), (0.0, 1.0))
    assert factors.class_names == (("0.5", "10"), ("a", "b"))
    assert factors.of(torch.tensor([1])).class_names == factors.class_names


def test_many_values_are_cut_into_equal_widths_or_by_quantiles():
    values = np.array([0.0, 1, 2, 3, 4, 5, 6, 100])
    widths = factors_of({"age": values}, bins=4)
    assert widths.classes[:, 0].tolist() == [0] * 7 + [1]  # intervals without observations are left out
    assert widths.values == ((3.0, 100.0),)
    assert widths.class_names == (("0 to 25", "75 to 100"),)
    quantiles = factors_of({"age": values}, bins=4, cut="quantiles")
    assert quantiles.classes[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_few_values_and_words_are_not_cut():
    factors = factors_of({"few": [0.0, 1.0, 5.0], "word": ["a", "b", "c"]}, bins=3)
    assert factors.values[0] == (0.0, 1.0, 5.0)
    assert factors_of({"word": ["a", "b", "c"]}, bins=2).sizes == (3,)


@pytest.mark.parametrize(
    ("values", "words"),
    [([1.0, np.nan], "factor 'dose' has 1 missing values"), ([1.0, np.inf], "factor 'dose' holds infinity")],
)
def test_factors_without_a_value_are_refused(values, words):
    with pytest.raises(DataError, match=words):
        factors_of({"dose": values})
