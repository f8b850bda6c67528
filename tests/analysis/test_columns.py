"""What is refused of the answer to a query, whatever metric of rows it is for."""

import numpy as np
import pytest

from vaehub import Table, VaehubError
from vaehub.analysis import check_columns, check_distinct, holds_numbers, table_keys

ROWS = {
    "model": np.array(["vae", "ard", None], dtype=object),
    "epoch": np.array([1.0, 5.0, np.nan]),
    "is_best": np.array([True, False, False]),
}


def test_numbers_and_truth_are_numbers_and_text_is_none():
    assert [holds_numbers(column) for column in ROWS.values()] == [False, True, True]


def test_columns_that_fit_are_taken():
    check_columns("m", ROWS, ["model", "epoch"], ["epoch"])
    check_columns("m", ROWS, [])


@pytest.mark.parametrize(
    ("asked", "numbers", "sentence"),
    [
        (
            ["epoch", "latent"],
            ["latent"],
            "metric 'm' was asked for the column 'latent', and the query has 'model', 'epoch', 'is_best'",
        ),
        (["epoch", "model", "epoch"], [], "metric 'm' takes each column for one thing, and was given 'epoch' twice"),
        (
            ["model"],
            ["model"],
            "metric 'm' is of numbers, which are not in 'model'; they are in 'epoch', 'is_best'",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(asked, numbers, sentence):
    with pytest.raises(VaehubError) as refused:
        check_columns("m", ROWS, asked, numbers)
    assert str(refused.value) == sentence


def test_text_alone_has_no_column_of_numbers():
    with pytest.raises(VaehubError, match="they are in no column$"):
        check_columns("m", {"model": ROWS["model"]}, ["model"], ["model"])


def test_no_rows_are_refused():
    with pytest.raises(VaehubError, match="metric 'm' is of rows, and the query has none"):
        check_columns("m", {"epoch": np.array([])}, ["epoch"], ["epoch"])


def test_two_rows_of_one_cell_are_refused_with_what_to_do():
    rows = {"epoch": np.array([1.0, 2.0, 1.0]), "latent": np.array([0, 0, 0])}
    check_distinct("m", {**rows, "seed": np.array([0, 0, 1])}, ["epoch", "latent", "seed"], "do this")
    with pytest.raises(VaehubError) as refused:
        check_distinct("m", rows, ["epoch", "latent"], "do this")
    assert str(refused.value) == (
        "metric 'm' takes one value for each cell, and the query has two for epoch 1, latent 0; do this"
    )


def test_columns_of_a_query_become_keys_again():
    assert table_keys(np.array([1.0, 2.5, np.nan, np.inf])) == [1, 2.5, "none", "none"]
    assert all(isinstance(key, int) for key in table_keys(np.array([1.0, -3.0])))
    assert table_keys(np.array(["a", None, 3], dtype=object)) == ["a", "none", 3]
    Table({"key": table_keys(np.array([np.nan, 1.0]))}, {"value": [0.0, 1.0]})
