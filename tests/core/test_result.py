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
