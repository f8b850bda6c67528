"""Functions as modules, with the modules that they name: these are moved, put in evaluation mode and copied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from torch import nn

from vaehub.adapters.source import names_in

Memo = dict[int, Any]

_LIBRARIES = ("builtins", "torch", "numpy")
"""Packages whose functions name no module of a user's."""
_LEFT_ALONE = (type, type(copy))


class CallableModule(nn.Module):
    """A function of one argument as a module.

    Its modules are those that the function names: the object of a bound method and what that object holds, arguments of
    a partial, free variables and globals. A copy names copies of them, so that it is independent of the original.

    Args:
        function: Any callable.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function
        self.named = nn.ModuleList(modules_of(function))

    def forward(self, x: Any) -> Any:
        """Return what the function returns."""
        return self.function(x)

    def extra_repr(self) -> str:
        """Return the function's name."""
        return getattr(self.function, "__qualname__", type(self.function).__name__)

    def __deepcopy__(self, memo: Memo) -> CallableModule:
        return CallableModule(copied(self.function, memo))


def modules_of(function: Any) -> list[nn.Module]:
    """Return the modules that a function names, each once, and none that is a part of another."""
    found = list({id(each): each for each in _walk(function, set())}.values())
    inner = {id(part) for each in found for part in each.modules() if part is not each}
    return [each for each in found if id(each) not in inner]


def copied(value: Any, memo: Memo) -> Any:
    """Return a copy of a function that names copies of the modules, and of whatever else but modules it shares.

    Args:
        value: A function, or what one names.
        memo: Copies that exist already, by the identity of their originals, as :func:`copy.deepcopy` keeps them.
    """
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, MethodType):
        return MethodType(value.__func__, copied(value.__self__, memo))
    if isinstance(value, partial):
        arguments = [copied(each, memo) for each in value.args]
        return partial(copied(value.func, memo), *arguments, **copied(value.keywords, memo))
    if not any(True for _ in _walk(value, set())):
        return value  # names no module
    if isinstance(value, FunctionType):
        return _copied_function(value, memo)
    return copy.deepcopy(value, memo)


def _copied_function(function: FunctionType, memo: Memo) -> FunctionType:
    named = {name: function.__globals__[name] for name in _global_names(function)}
    ours = {**function.__globals__, **{name: copied(each, memo) for name, each in named.items()}}
    cells = tuple(
        cell if _is_empty(cell) else CellType(copied(cell.cell_contents, memo)) for cell in function.__closure__ or ()
    )
    defaults = copied(function.__defaults__, memo)
    made = FunctionType(function.__code__, ours, function.__name__, defaults, cells)
    made.__kwdefaults__ = copied(function.__kwdefaults__, memo)
    made.__qualname__, made.__module__ = function.__qualname__, function.__module__
    memo[id(function)] = made
    return made


def _walk(value: Any, seen: set[int]) -> Iterator[nn.Module]:
    """Yield the modules that a value names, however deep."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        yield value
        return
    for each in _named_by(value):
        yield from _walk(each, seen)


def _named_by(value: Any) -> list[Any]:
    if isinstance(value, MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, FunctionType):
        if (value.__module__ or "").split(".")[0] in _LIBRARIES:
            return []
        cells = [cell.cell_contents for cell in value.__closure__ or () if not _is_empty(cell)]
        defaults = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        return [*cells, *defaults, *(value.__globals__[name] for name in _global_names(value))]
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set):
        return list(value)
    if isinstance(value, type) or type(value).__module__.split(".")[0] in _LIBRARIES:
        return []
    return list(getattr(value, "__dict__", {}).values())


def _global_names(function: FunctionType) -> list[str]:
    """Return the globals that a function or a function inside it uses, and that are neither packages nor classes.

    An attribute, such as ``self.decoder``, is none, also where a global has its name.
    """
    codes, names = [function.__code__], list[str]()
    while codes:
        code = codes.pop()
        names += code.co_names
        codes += [each for each in code.co_consts if isinstance(each, type(code))]
    there, used = function.__globals__, names_in(function.__code__).of_globals
    found = [name for name in dict.fromkeys(names) if name in used and name in there]
    return [name for name in found if not isinstance(there[name], _LEFT_ALONE)]


def _is_empty(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return True
    return False
