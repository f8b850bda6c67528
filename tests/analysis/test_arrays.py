"""Kernels take numpy arrays and tensors, and answer in kind."""

import numpy as np
import torch

from vaehub.analysis import accepts_arrays


@accepts_arrays
def twice(x, y=None, *, scale=2):
    return x * scale if y is None else (x * scale, y)


def test_numpy_comes_back_as_double_numpy():
    found = twice(np.ones(3, np.float32))
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64


def test_integers_stay_integers():
    assert twice(np.arange(3)).dtype == np.int64


def test_tuples_are_converted_inside():
    found = twice(np.ones(2), np.zeros(2))
    assert all(isinstance(item, np.ndarray) for item in found)


def test_tensors_keep_dtype_and_gradient():
    x = torch.ones(2, dtype=torch.float32, requires_grad=True)
    found = twice(x)
    found.sum().backward()
    assert found.dtype == torch.float32
    assert torch.equal(x.grad, torch.full((2,), 2.0))


def test_a_tensor_among_arrays_decides():
    assert isinstance(twice(torch.ones(2), np.ones(2))[1], torch.Tensor)


def test_arrays_laid_out_backwards_are_accepted():
    assert twice(np.arange(3.0)[::-1]).tolist() == [4.0, 2.0, 0.0]


@accepts_arrays
def mean(x):
    """Return the mean."""
    return x.mean()


def test_numpy_is_computed_in_double_precision():
    # In single precision, 2^24 + 1 is 2^24, and the sum loses every one.
    x = np.array([2.0**24, *[1.0] * 1000], dtype=np.float32)
    assert float(mean(x)) == (2.0**24 + 1000) / 1001


def test_arrays_given_by_name_are_arrays_too():
    assert isinstance(twice(x=np.ones(2)), np.ndarray)


def test_numbers_and_none_pass_as_they_are():
    assert twice(3, scale=5) == 15
    assert twice(3, None) == 6


def test_a_number_that_a_kernel_returns_stays_one():
    found = accepts_arrays(lambda x: (float(x.sum()), x))(np.ones(2))
    assert isinstance(found[0], float)


def test_answers_of_arrays_have_no_gradient_left_to_stumble_over():
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert accepts_arrays(lambda x: x * weight)(np.ones(2)).tolist() == [1.0, 1.0]


def test_a_tensor_is_handed_on_as_the_same_object():
    x = torch.ones(2)
    assert accepts_arrays(lambda x: x)(x) is x


def test_arrays_laid_out_by_columns_keep_their_axes():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(twice(x), 2 * x)


def test_a_kernel_keeps_its_name_and_its_documentation():
    assert (mean.__name__, mean.__doc__) == ("mean", "Return the mean.")
