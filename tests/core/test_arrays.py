"""Kernels take numpy arrays and tensors, and answer in kind."""

import numpy as np
import torch

from vaehub import accepts_arrays


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
