"""Results: values of any origin, always the same inside."""

import numpy as np
import pytest
import torch

from vaehub import Result, Table, Vector


def test_tensors_arrays_and_lists_become_double_arrays():
    given = [torch.tensor([1.0, 2.0], requires_grad=True), np.array([1, 2], np.float32), [1, 2], (True, False)]
    for values in given:
        assert Vector(values).values.dtype == np.float64


def test_a_plain_array_is_indexed_by_latent():
    assert Result(vectors={"kl": [0.1, 0.2]}).vectors["kl"].index == "latent"


def test_scalars_of_any_kind_are_numbers():
    assert Result(scalars={"n": 3, "flag": True, "t": torch.tensor(0.5)}).scalars == {"n": 3.0, "flag": 1.0, "t": 0.5}


def test_a_matrix_is_no_vector():
    with pytest.raises(ValueError, match=r"1 axis, got shape \(2, 2\)"):
        Vector(np.zeros((2, 2)))


def test_labels_are_as_many_as_values():
    with pytest.raises(ValueError, match="2 values and 1 labels"):
        Vector([1, 2], "layer", ["mean"])


def test_columns_of_a_table_have_one_length():
    with pytest.raises(ValueError, match=r"columns of one table have one length, got \[1, 2\]"):
        Table({"layer": ["a", "b"]}, {"cka": [1.0]})


def test_values_come_through_exactly():
    assert Vector(torch.tensor([0.1], dtype=torch.float32)).values.tolist() == [float(np.float32(0.1))]
    assert Vector([2**53]).values.tolist() == [2.0**53]


def test_a_vector_keeps_the_values_it_was_given():
    mutable = np.zeros(2)
    vector = Vector(mutable)
    mutable[:] = 7
    assert vector.values.tolist() == [0.0, 0.0]


def test_a_single_number_is_no_vector():
    with pytest.raises(ValueError, match=r"1 axis, got shape \(\)"):
        Vector(np.float64(1))


def test_a_vector_with_an_index_keeps_it():
    vector = Vector([1.0, 2.0], "layer", ["mean", "sampled"])
    assert Result(vectors={"cka": vector}).vectors["cka"] is vector
    assert (vector.index, vector.labels) == ("layer", ("mean", "sampled"))


def test_a_table_holds_keys_as_given_and_columns_as_doubles():
    table = Table({"layer": ["a", "b"], "epoch": [1, 2]}, {"cka": torch.tensor([1, 2])})
    assert table.keys == {"layer": ("a", "b"), "epoch": (1, 2)}
    assert table.columns["cka"].dtype == np.float64


def test_a_column_is_no_matrix():
    with pytest.raises(ValueError, match=r"1 axis, got shape \(1, 1\)"):
        Table({"layer": ["a"]}, {"cka": [[1.0]]})


@pytest.mark.parametrize(("keys", "columns"), [({}, {}), ({}, {"cka": [1.0]}), ({"layer": ["a"]}, {})])
def test_a_table_without_keys_or_columns_is_refused(keys, columns):
    with pytest.raises(ValueError, match="a table has keys and columns"):
        Table(keys, columns)


def test_what_would_be_gone_when_read_back_is_refused():
    for empty in (lambda: Vector([]), lambda: Table({"layer": []}, {"cka": []})):
        with pytest.raises(ValueError, match="there are no values"):
            empty()


@pytest.mark.parametrize("array", [["a", "b"], [None], [{}]])
def test_what_is_no_number_is_refused(array):
    for make in (lambda: Result(arrays={"x": np.array(array)}), lambda: Vector(array)):
        with pytest.raises(TypeError, match="results are numbers"):
            make()


def test_keys_are_plain_text_and_numbers():
    keys = Table({"epoch": np.arange(2), "layer": np.array(["a", "b"])}, {"cka": [0, 1]}).keys
    assert [type(value) for column in keys.values() for value in column] == [int, int, str, str]
    with pytest.raises(TypeError, match="keys are text or numbers, got tuple"):
        Table({"pair": [("a", "b")]}, {"cka": [1.0]})
    with pytest.raises(ValueError, match="nan equals nothing"):
        Table({"beta": [float("nan")]}, {"cka": [1.0]})


def test_arrays_keep_their_shape_and_type():
    array = Result(arrays={"codes": torch.zeros(2, 3, 4, dtype=torch.int16, requires_grad=False)}).arrays["codes"]
    assert isinstance(array, np.ndarray)
    assert (array.shape, array.dtype) == ((2, 3, 4), np.int16)


def test_arrays_leave_their_gradient_behind():
    assert Result(arrays={"codes": torch.ones(2, requires_grad=True)}).arrays["codes"].tolist() == [1.0, 1.0]


def test_undefined_stays_undefined():
    assert np.isnan(Result(scalars={"cka": float("nan")}).scalars["cka"])


def test_a_result_of_nothing_is_empty():
    empty = Result()
    assert (empty.scalars, empty.vectors, empty.tables, empty.arrays) == ({}, {}, {}, {})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_half_precision_is_widened_to_what_numpy_and_hdf5_have(dtype):
    values = torch.tensor([1.0, -0.5, 1.75]).to(dtype)
    result = Result(vectors={"kl": values}, arrays={"z": values.reshape(3, 1)})
    assert result.vectors["kl"].values.tolist() == [1.0, -0.5, 1.75]
    assert result.arrays["z"].dtype == np.float32
    assert result.arrays["z"].tolist() == [[1.0], [-0.5], [1.75]]
