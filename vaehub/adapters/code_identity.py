"""Identity of a user's module: weights, configuration and the code that runs.

What counts is what is loaded, not what a file says by now. Code of installed libraries counts by their names and
versions; code of the user's own counts by what it does, and so does all that it names, wherever in the user's files.
"""

from __future__ import annotations

import copyreg
import functools
import types
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaehub.adapters.code_walk import (
    BY_NAME_AT_RUN_TIME,
    SIMPLE,
    CodeWalk,
    NotIdentified,
    module_name,
    set_while_running,
    unseen,
)
from vaehub.adapters.origins import extension_of, library_of
from vaehub.adapters.programs import script_content
from vaehub.core.errors import VaehubError

BY_TEXT = (torch.dtype, torch.layout, torch.memory_format, np.dtype)
OF_LIBRARIES = (
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)
MACHINERY = frozenset(
    {"logging", "threading", "_thread", "weakref", "io", "_io", "queue", "_contextvars", "lightning", "wandb"}
    | {"pytorch_lightning", "lightning_fabric", "tensorboard", "tqdm", "torch.utils.data", "torch.optim"}
)
"""Packages whose objects train, report or guard; a module that has one computes the same numbers without."""
FOREIGN = frozenset({"ctypes", "_ctypes", "cffi", "_cffi_backend"})
"""Packages that call compiled code which nobody can look at from here."""
OF_MODULES = frozenset(vars(nn.Module()))
ELSEWHERE = frozenset(
    {"_trainer", "_fabric", "_fabric_optimizers", "_device", "_dtype", "_device_mesh", "_is_torch_compile"}
)
"""Attributes in which trainers keep themselves, and where a module is."""


def module_identity(module: nn.Module, *, weights: bool = True) -> str:
    """Return a digest of all that decides what a module computes, the same in every process.

    It covers weights and buffers, non-persistent ones too; the code of its classes, of its hooks and of functions that
    it holds, and whatever of the user's own files they name; defaults, constants and closures; and all attributes, such
    as the slope of an activation. Comments, documentation, layout, devices and the mode for training do not count. A
    module that ``torch.compile`` made has the identity of the plain one.

    An attribute that the user's code sets while it runs, and nobody reads, is an output and does not count.

    Args:
        module: The module.
        weights: Whether values that are in the state dictionary count; else only their shapes and types.

    Raises:
        NotIdentified: If something cannot be looked at.
        VaehubError: If a weight has no value yet.
    """
    walk = _Walk(weights=weights)
    walk.visit(module)
    return walk.finish()


def weights_identity(module: nn.Module) -> str:
    """Return a digest of the names, types and values in a module's state dictionary, whatever file they came from.

    Raises:
        VaehubError: As :func:`module_identity`.
    """
    walk = _Walk()
    for name, value in sorted(plain(module).state_dict().items()):
        walk.say(name.replace("_orig_mod.", ""))
        walk.visit(value)
    return walk.finish()


def plain(module: nn.Module) -> nn.Module:
    """Return the module that ``torch.compile`` was given, or the same one."""
    # Its class is in a part of torch that takes a second to load, and that nothing else here needs.
    inner = vars(module)["_modules"]["_orig_mod"] if type(module).__name__ == "OptimizedModule" else None
    return plain(inner) if isinstance(inner, nn.Module) else module


class _Walk(CodeWalk):
    """A digest of values, modules and code."""

    def __init__(self, *, weights: bool = True) -> None:
        super().__init__()
        self._weights = weights
        self._outputs: list[tuple[str, object]] = []

    def finish(self) -> str:
        """Return the digest."""
        self.visit_waiting()
        while needed := [each for each in self._outputs if each[0] in self.needed or self.needed & BY_NAME_AT_RUN_TIME]:
            self._outputs = [each for each in self._outputs if each not in needed]
            for name, value in needed:
                self.visit_named(name, value)
            self.visit_waiting()
        return self._digest.hexdigest()

    def visit(self, value: Any) -> None:
        """Add a value of any kind."""
        value = _uncompiled(value)
        if isinstance(value, Enum):
            self.say("member", value.name)
            self.visit_all(type(value), value.value)
        elif isinstance(value, SIMPLE) and type(value) in SIMPLE:
            self.say(type(value).__name__, repr(value))
        elif isinstance(value, torch.device):
            self.say("device")
        elif isinstance(value, BY_TEXT):
            self.say(repr(value))
        elif isinstance(value, tuple | frozenset) and type(value) in (tuple, frozenset, torch.Size):
            self._items(value)
        elif self.is_new(value):
            self._object(value)

    def _object(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray):
            self.say("array", value.dtype.str, repr(value.shape))
            self.visit(value.tolist()) if value.dtype.hasobject else self.say(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, torch.jit.ScriptModule | torch.jit.ScriptFunction):
            self.say("program", *script_content(_saved(value)))
        elif isinstance(value, nn.Module):
            self._module(value)
        elif isinstance(value, types.FunctionType | type):
            self.visit_later(value)
        elif isinstance(value, types.MethodType):
            self.visit_all(value.__func__, value.__self__)
        elif isinstance(value, OF_LIBRARIES):
            self.builtin(value)
        elif isinstance(value, types.ModuleType):
            self.python_module(value, frozenset(vars(value)))
        elif type(value) in (list, dict, set, types.MappingProxyType):
            self._items(value)
        elif isinstance(value, functools.partial):
            self.visit_all(value.func, value.args, value.keywords)
        elif isinstance(value, staticmethod | classmethod):
            self.visit(value.__func__)
        elif isinstance(value, property):
            self.visit_all(value.fget, value.fset)
        elif isinstance(value, functools.cached_property):
            self.visit(value.func)
        elif isinstance(value, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
            self.operation(value)
        elif isinstance(value, torch.Generator):
            self.visit(value.get_state())
        elif isinstance(inner := getattr(value, "__wrapped__", getattr(value, "py_func", None)), types.FunctionType):
            self.visit_all(type(value), inner)  # functions that are cached or compiled
        else:
            self._instance(value)

    def _items(self, value: Iterable[Any]) -> None:
        self.say(type(value).__name__)
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.visit_all(key, item)
        elif isinstance(value, set | frozenset):
            # In an order that does not depend on the process.
            self.say(*sorted(_alone(item) for item in value))
        else:
            self.visit_all(*value)
        self.say("end")

    # Tensors and modules

    def _tensor(self, value: Tensor) -> None:
        if nn.parameter.is_lazy(value):
            self.say("without shape")
            return
        if value.is_meta:
            raise VaehubError(
                f"a tensor of shape {tuple(value.shape)} is on the 'meta' device, where it has no values; load the "
                "weights of the model first"
            )
        self.say("tensor", str(value.dtype), repr(tuple(value.shape)))
        found = value.detach()
        if found.is_quantized:
            found = found.dequantize()
        dense = found if found.layout == torch.strided else found.to_dense()
        array = dense.cpu().resolve_conj().resolve_neg().contiguous()
        self.say(array.reshape(-1).view(torch.uint8).numpy().data)

    def _module(self, module: nn.Module) -> None:
        graph = isinstance(module, torch.fx.GraphModule)
        if graph:
            self.say("graph", str(module.code))
        else:
            self.visit(type(module))
        own = vars(module)
        for name, value in sorted((own["_parameters"] | own["_buffers"]).items()):
            stored = name not in own["_non_persistent_buffers_set"] and value is not None
            if stored and not self._weights:
                self.say(name, str(value.dtype))
            else:
                self.visit_named(name, value)
        for name, child in own["_modules"].items():
            self.visit_named(name, child)
        self._hooks(own)
        for name, value in sorted(own.items()):
            if name not in OF_MODULES | ELSEWHERE and (not graph or isinstance(value, Tensor)):
                self._attribute(type(module), name, value)

    def _hooks(self, own: Mapping[str, Any]) -> None:
        for kind in ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"):
            for handle, hook in own[kind].items():
                keywords = handle in own.get(f"{kind}_with_kwargs", ())
                always = handle in own.get(f"{kind}_always_called", ())
                self.visit_all(kind, keywords, always, hook)

    def _attribute(self, kind: type, name: str, value: object) -> None:
        if isinstance(getattr(kind, name, None), functools.cached_property):
            return  # computed from what is visited
        if name in _outputs_of(kind):
            # Whether anybody reads it is known at the end.
            self._outputs.append((name, value))
        else:
            self.visit_named(name, value)

    def _instance(self, value: Any) -> None:
        kind = type(value)
        module = module_name(kind)
        if module.partition(".")[0] in FOREIGN:
            raise NotIdentified(unseen(value))
        library = library_of(module) or extension_of(module)
        if isinstance(value, dict | list | set):
            self.visit(kind)
            self._items(value)
        elif any(module == each or module.startswith(f"{each}.") for each in MACHINERY):
            self.say("machinery", kind.__qualname__)
            return
        elif isinstance(value, torch._library.custom_ops.CustomOpDef):
            self.visit_all(value._init_fn, value._backend_fns)
            return
        elif library is not None:
            self._reduced(value)
            return
        else:
            self.visit(kind)
        state = dict(getattr(value, "__dict__", {}))
        slots = [name for each in kind.__mro__ for name in _slots(each) if hasattr(value, name)]
        for name, item in sorted((state | {name: getattr(value, name) for name in slots}).items()):
            self.visit_named(name, item)

    def _reduced(self, value: Any) -> None:
        """Add an object of a library by what it would be pickled as."""
        try:
            known = copyreg.dispatch_table.get(type(value))
            reduced = value.__reduce_ex__(4) if known is None else known(value)
        # A library's code runs here.
        except Exception as error:
            raise NotIdentified(unseen(value)) from error
        self.visit(type(value))
        if isinstance(reduced, str):
            self.say(reduced)
            return
        function, arguments, *rest = tuple[Any, ...](reduced)
        self.visit_all(function, arguments)
        for part in rest[:3]:
            self.visit(list(part) if hasattr(part, "__next__") else part)


def _outputs_of(kind: type) -> set[str]:
    """Return the attributes that a class of the user's own sets while it runs, unless a library may read them."""
    foreign = [each for each in kind.__mro__ if library_of(module_name(each)) is not None]
    if any(each not in (nn.Module, object) and each.__module__ not in ("abc", "typing") for each in foreign):
        return set()
    return set[str]().union(*(set_while_running(each) for each in kind.__mro__ if each not in foreign))


def _uncompiled(value: Any) -> Any:
    """Return what ``torch.compile`` was given, a module or a function; anything else as it is."""
    if isinstance(value, nn.Module):
        return plain(value)
    original = getattr(value, "_torchdynamo_orig_callable", None) if isinstance(value, types.FunctionType) else None
    return original if callable(original) else value


def _saved(program: Any) -> bytes:
    found: bytes = program.save_to_buffer()
    return found


def _alone(value: object) -> str:
    walk = _Walk()
    walk.visit(value)
    return walk.finish()


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    found: Iterable[str] = (slots,) if isinstance(slots, str) else slots
    return [name for name in found if name not in ("__dict__", "__weakref__")]
