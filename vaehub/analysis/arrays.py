"""Kernels speak tensors; their callers may hold numpy arrays. The border between the two."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub.core.data.conversion import shareable

Array = NDArray[Any] | torch.Tensor
"""What a kernel accepts: a numpy array or a torch tensor, observations on axis 0."""

P = ParamSpec("P")
R = TypeVar("R")


def accepts_arrays(kernel: Callable[P, R]) -> Callable[P, R]:
    """Let a kernel written for tensors take numpy arrays as well, and answer in kind.

    Numpy arrays come in as float64 tensors on the CPU (integers as they are), and tensors go out as numpy arrays, if
    at least one numpy array and no tensor was handed in. Tensors pass untouched, with their dtype, device and gradient.
    """

    @wraps(kernel)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        given = [*args, *kwargs.values()]
        answer = kernel(*map(_to_tensor, args), **{key: _to_tensor(value) for key, value in kwargs.items()})
        if any(isinstance(value, np.ndarray) for value in given) and not any(map(torch.is_tensor, given)):
            return _to_numpy(answer)  # type: ignore[no-any-return]
        return answer

    return wrapped


def in_double(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor in float64, in which statistics accumulate; on the CPU, if its own device has no such numbers."""
    return where_double_is(x).double()


def where_double_is(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor as it is; on the CPU, if its own device has no float64."""
    return x.cpu() if x.device.type == "mps" else x


def _to_tensor(value: Any) -> Any:  # any argument of any kernel
    if not isinstance(value, np.ndarray):
        return value
    dtype = torch.float64 if value.dtype.kind == "f" else None
    return torch.as_tensor(shareable(value), dtype=dtype)


def _to_numpy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple):
        items = map(_to_numpy, value)
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
