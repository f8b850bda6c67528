"""A device that is not there: tensors are computed by the CPU, and behave as if an accelerator held them.

Whatever is made on the device, moved to it or computed from what is there belongs to it. Operations that a real device
refuses are refused in its words: tensors of two devices mixed, a generator of another device, an array of numpy made
of a tensor that was not brought to the CPU, and double precision where there is none. Numbers are those of the CPU, so
that a result can be compared with the CPU's, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CPU = torch.device("cpu")
ANYWHERE = torch.device("meta")
"""Place of what PyTorch makes inside an operation, such as zeros for a tangent: it would be where it is needed."""
MOVES = {"aten::copy_", "aten::_foreach_copy_", "aten::fill_"}
INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index"}
"""Operations whose indices may be on the CPU wherever the tensor is."""
TO_NUMPY = (Tensor.numpy, Tensor.__array__)
_Real = torch.Generator


@contextmanager
def pretended(name: str = "cuda", *, n: int = 1, generators: bool = True) -> Iterator[torch.device]:
    """Let there be ``n`` devices ``cuda`` or one ``mps`` inside the context; yield the first.

    Args:
        name: ``cuda``, or ``mps``, which has no double precision.
        n: How many.
        generators: Whether they have generators of random numbers.
    """
    device = torch.device(name, 0)
    there = name == "cuda"

    class Generator(_Real):
        """A generator of the CPU that belongs to a device."""

        def __new__(cls, device: torch.device | str = CPU) -> Generator:
            asked = _whole(device)
            if asked != CPU and not generators:
                raise RuntimeError(f"Device type {asked.type.upper()} is not supported for torch.Generator() api.")
            made = _Real.__new__(cls)
            made.home = asked
            return made

        @property
        def device(self) -> torch.device:
            return self.home

    module = getattr(torch, name)
    with ExitStack() as stack:
        for where, what, value in [
            (torch, "Generator", Generator),
            (torch.cuda, "is_available", lambda: there),
            (torch.cuda, "device_count", lambda: n if there else 0),
            (torch.cuda, "current_device", lambda: 0),
            (torch.cuda, "mem_get_info", lambda device=None: (1 << 40, 1 << 40)),
            (torch.cuda, "is_bf16_supported", lambda including_emulation=True: True),
            (torch.backends.mps, "is_available", lambda: not there),
            (module, "get_rng_state", lambda device=None: torch.zeros(1, dtype=torch.uint8)),
            (module, "set_rng_state", lambda state, device=None: None),
        ]:
            stack.enter_context(patch.object(where, what, value))
        operations = stack.enter_context(_Operations())
        stack.enter_context(_Functions(device, operations))
        yield device


def place_of(x: Tensor) -> torch.device:
    """Return the device that a tensor pretends to be on."""
    while torch._C._functorch.is_functorch_wrapped_tensor(x):
        x = torch._C._functorch.get_unwrapped(x)
    try:
        return ANYWHERE if x._is_zerotensor() else getattr(x.untyped_storage(), "home", CPU)
    except (NotImplementedError, RuntimeError):
        return ANYWHERE  # it has no values of its own


class _Functions(TorchFunctionMode):
    """Watches what is called in Python: devices asked for, moves, generators, and arrays of numpy."""

    def __init__(self, device: torch.device, operations: _Operations) -> None:
        super().__init__()
        self._device, self._operations = device, operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        getter = getattr(func, "__self__", None)
        if getter is Tensor.device:
            place = place_of(args[0])
            return self._device if place == ANYWHERE else place
        if getter is Tensor.is_cuda:
            return place_of(args[0]).type == "cuda"
        if getter is Tensor.is_cpu:
            return place_of(args[0]) == CPU
        if func in TO_NUMPY and (place := place_of(args[0])) != CPU and not kwargs.get("force"):
            raise TypeError(
                f"can't convert {place} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                "memory first."
            )
        if func is Tensor.__deepcopy__:
            found = func(*args, **kwargs)
            _keep(found, place_of(args[0]))
            return found
        if func is Tensor.cpu:
            return _moved(args[0], CPU)
        if func is Tensor.cuda:
            return _moved(args[0], torch.device("cuda", 0))
        if func is Tensor.to:
            return _to(*args, **kwargs)
        inputs = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        before, self._operations.makes_its_own = self._operations.makes_its_own, bool(inputs)
        try:
            return _made(func, args, kwargs, inputs)
        finally:
            self._operations.makes_its_own = before


def _made(func: Any, args: Any, kwargs: dict[str, Any], inputs: list[Tensor]) -> Any:
    asked = kwargs.get("device")
    if asked is not None and _whole(asked).type == "meta":
        return func(*args, **kwargs)
    if asked is None:
        target = place_of(inputs[0]) if inputs else CPU
    else:
        target = _whole(asked)
        kwargs["device"] = CPU
    generator = kwargs.get("generator")
    if generator is not None and _whole(generator.device) != target:
        raise RuntimeError(f"Expected a '{target}' device type for generator but found '{generator.device}'")
    if asked is None and func is not Tensor.new_tensor:
        return func(*args, **kwargs)
    _refuse_double(target, kwargs.get("dtype"))
    found = func(*args, **kwargs)
    if place_of(found) != target:
        if any(found.untyped_storage()._cdata == x.untyped_storage()._cdata for x in inputs):
            return _moved(found, target)  # as_tensor and its like
        _keep(found, target)
    return found


def _to(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    target, rest = None, []
    for value in args:
        if isinstance(value, str | torch.device | int) and not isinstance(value, bool) and target is None:
            target = _whole(value)
        elif isinstance(value, Tensor):
            target, kwargs["dtype"] = place_of(value), value.dtype
        elif isinstance(value, torch.dtype):
            kwargs["dtype"] = value
        elif value is not None and not isinstance(value, bool):
            rest.append(value)
    if (asked := kwargs.pop("device", None)) is not None:
        target = _whole(asked)
    dtype = kwargs.get("dtype")
    if target is None or target == place_of(x):
        _refuse_double(place_of(x), dtype)
        return torch.Tensor.to(x, *rest, **kwargs) if kwargs or rest else x
    # A type that the device lacks is left before the move, or taken on after it.
    if target == CPU:
        return torch.Tensor.to(_moved(x, target), **kwargs) if kwargs else _moved(x, target)
    x = torch.Tensor.to(x, **kwargs) if kwargs else x
    return _moved(x, target)


class _Move(torch.autograd.Function):
    """Moves values there, and gradients back."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, target: torch.device) -> Tensor:
        found = torch.clone(x)
        _keep(found, target)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.back = place_of(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Move.apply(gradient, ctx.back), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return torch.clone(tangent)


def _moved(x: Tensor, target: torch.device) -> Tensor:
    if place_of(x) == target:
        return x
    _refuse_double(target, x.dtype)
    if x.requires_grad and torch.is_grad_enabled():
        return _Move.apply(x, target)
    found = torch.clone(x)
    _keep(found, target)
    return found


class _Operations(TorchDispatchMode):
    """Watches every operation, gradients included."""

    makes_its_own = False
    """Whether what is made of no tensor is made inside an operation upon tensors."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        places = {place_of(x) for x in inputs}
        name = func._schema.name
        if len(places - {ANYWHERE}) > 1 and name not in MOVES:
            _refuse_mixture(func, name, args, inputs)
        if name in INDEXED:
            home = place_of(args[0])
        else:
            home = min(places - {ANYWHERE}, key=lambda place: place == CPU, default=ANYWHERE)
            home = CPU if not inputs and not self.makes_its_own else home
        found = func(*args, **kwargs)
        if home == CPU:
            return found
        if name not in MOVES:
            theirs = {x.untyped_storage()._cdata for x in inputs}
            for x in tree_leaves(found):
                if isinstance(x, Tensor):
                    _refuse_double(home, x.dtype)
                    if x.untyped_storage()._cdata not in theirs:
                        _keep(x, home)
        return found


def _refuse_mixture(func: Any, name: str, args: Any, inputs: list[Tensor]) -> None:
    if name in INDEXED:
        if place_of(args[0]) != CPU:
            inputs = [args[0], *[x for x in args[2:3] if isinstance(x, Tensor) and x.dim()]]
        else:
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
    elif torch.Tag.pointwise in func.tags:
        inputs = [x for x in inputs if x.dim() or place_of(x) != CPU]
    there = sorted({str(place_of(x)) for x in inputs} - {str(ANYWHERE)})
    if len(there) > 1:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{there[1]} and {there[0]}! (in {name})"
        )


def _refuse_double(place: torch.device, dtype: torch.dtype | None) -> None:
    if place.type == "mps" and dtype in (torch.float64, torch.complex128):
        raise TypeError(
            f"Cannot convert a MPS Tensor to {str(dtype).removeprefix('torch.')} dtype as the MPS framework doesn't "
            "support it. Please use float32 instead."
        )


def _keep(x: Tensor, place: torch.device) -> None:
    while torch._C._functorch.is_functorch_wrapped_tensor(x):
        x = torch._C._functorch.get_unwrapped(x)
    # The storage is where values are: all views of it are in the same place.
    x.untyped_storage().home = place


def _whole(device: torch.device | str | int) -> torch.device:
    device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    return device if device.type == "cpu" or device.index is not None else torch.device(device.type, 0)
