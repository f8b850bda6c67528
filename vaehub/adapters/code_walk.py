"""The code that runs: functions and classes, and what of the user's own files they name."""

from __future__ import annotations

import builtins
import hashlib
import importlib
import importlib.util
import types
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch._library.custom_ops import OPDEFS

from vaehub.adapters.origins import extension_of, library_of, library_of_code, library_of_import
from vaehub.adapters.source import names_in, operations
from vaehub.core.errors import VaehubError

BYTES = 12
SIMPLE = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, slice)
CONSTRUCTION = frozenset({"__init__", "__new__", "__post_init__", "__setstate__"})
BY_NAME_AT_RUN_TIME = frozenset({"getattr", "hasattr", "vars", "eval", "exec", "globals"})
ANY_NAME = frozenset({"eval", "exec", "globals"})
OF_TORCH = frozenset(
    {"aten", "prim", "prims", "mkldnn", "mkl", "quantized", "quantized_decomposed", "inductor", "higher_order"}
    | {"sparse", "c10d", "_c10d_functional", "torchvision", "torchaudio", "vaehub"}
)
"""Families of operations that come with installed libraries."""


class NotIdentified(VaehubError):  # noqa: N818 the state of what was asked about
    """Something that decides numbers cannot be looked at, such as a compiled object without readable state."""


class CodeWalk(ABC):
    """A digest in the making. What was visited before counts by its place, so that circles end."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=BYTES)
        self._seen: dict[object, int] = {}
        self._kept: list[object] = []  # an address stays that of one object
        self._waiting: deque[types.FunctionType | type] = deque()
        self.needed: set[str] = set()

    @abstractmethod
    def visit(self, value: Any) -> None:
        """Add a value of any kind."""

    def say(self, *words: str | bytes | memoryview) -> None:
        """Add to the digest."""
        for word in words:
            content = word.encode() if isinstance(word, str) else word
            self._digest.update(len(content).to_bytes(8, "big"))
            self._digest.update(content)

    def is_new(self, value: object, *more: object) -> bool:
        """Return whether something has not been visited; else, its place is added."""
        place = self._seen.setdefault((id(value), *more), len(self._seen))
        if place < len(self._kept):
            self.say("seen", str(place))
            return False
        self._kept.append(value)
        return True

    def visit_all(self, *values: object) -> None:
        """Add several values in order."""
        for value in values:
            self.visit(value)

    def visit_named(self, name: str, value: object) -> None:
        """Add a name and its value."""
        self.say(name)
        self.visit(value)

    def visit_later(self, code: types.FunctionType | type) -> None:
        """Add a function or a class, in its turn: those that name each other make chains of any length."""
        self.say("code")
        self._waiting.append(code)

    def visit_waiting(self) -> None:
        """Add all functions and classes whose turn it is, and those that they name."""
        while self._waiting:
            code = self._waiting.popleft()
            if isinstance(code, type):
                self._class(code)
            else:
                self._function(code)

    def _function(self, function: types.FunctionType) -> None:
        code, names = function.__code__, names_in(function.__code__)
        module = str(function.__globals__.get("__name__", ""))
        library = library_of_code(code, module)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        contents = {name: _content(cell) for name, cell in sorted(cells.items())}
        if library is not None:
            self.say("function", library, module, code.co_qualname)
            # Of a decorator, what it decorates; not what the library keeps there for itself.
            self.visit({name: value for name, value in contents.items() if callable(value) or _is_simple(value)})
            self.visit(getattr(function, "registry", None))
            return
        self.say("function", operations(code))
        self.visit_all(function.__defaults__, function.__kwdefaults__, contents)
        self.needed |= names.needed | (names.of_globals & BY_NAME_AT_RUN_TIME)
        self._globals(function.__globals__, names.of_globals, names.read)
        for imported, level, taken in sorted(names.imports):
            self._import(function.__globals__, imported, level, names.read | set(taken))
        self.visit({name: value for name, value in sorted(vars(function).items()) if name != "__wrapped__"})

    def _globals(self, among: Mapping[str, Any], names: set[str], read: set[str]) -> None:
        for name in sorted(names):
            if name in among and isinstance(among[name], types.ModuleType):
                self.python_module(among[name], frozenset(read | (names & BY_NAME_AT_RUN_TIME)))
            elif name in among:
                self.visit_named(name, among[name])
            elif not hasattr(builtins, name):
                self.say("missing", name)
        if names & ANY_NAME:
            self._definitions(among)

    def python_module(self, module: types.ModuleType, names: frozenset[str]) -> None:
        """Add what code names of a module that it has imported."""
        known = library_of(module.__name__) or extension_of(module.__name__)
        if known is not None:
            self.say("module", known, module.__name__)
            if module.__name__ == "torch" and "ops" in names:
                self._operations(names)
        elif self.is_new(module, names):
            self._globals(vars(module), set(names & vars(module).keys()), set(names))
            if names & BY_NAME_AT_RUN_TIME:
                self._definitions(vars(module))

    def _definitions(self, among: Mapping[str, Any]) -> None:
        """Add all that a name made up at run time could mean."""
        for name, value in sorted(among.items()):
            if not name.startswith("_") and (isinstance(value, types.FunctionType | type) or type(value) in SIMPLE):
                self.visit_named(name, value)

    def _import(self, among: Mapping[str, Any], module: str, level: int, names: set[str]) -> None:
        """Add what code imports when it runs, which may not have been loaded yet."""
        try:
            full = importlib.util.resolve_name("." * level + module, among.get("__package__") or "")
            library = library_of_import(full)
            found = None if library is not None else importlib.import_module(full)
        # A user's module runs here; where it cannot be imported, the function that imports it says so.
        except Exception as error:  # noqa: BLE001
            self.say("missing", module, type(error).__name__)
            return
        if found is None:
            self.say("module", str(library), full)
            return
        self.python_module(found, frozenset(names))

    def _class(self, kind: type) -> None:
        module = module_name(kind)
        library = library_of(module) or extension_of(module)
        # One that a program has made at run time may bear the name of another's module, or have methods of its own.
        if library is not None and not _has_own_code(kind):
            self.say("class", library, module, kind.__qualname__)
            return
        self.say("class")
        for name, value in sorted(vars(kind).items()):
            special = name.startswith("__") and name.endswith("__")
            if name != "_abc_impl" and (not special or _function_of(value) or isinstance(value, property)):
                self.visit_named(name, value)
        self.visit_all(*kind.__bases__)
        if library_of(module_name(type(kind))) is None:
            self.visit(type(kind))

    def builtin(self, value: Any) -> None:
        """Add a function that is compiled."""
        module, owner = getattr(value, "__module__", None), getattr(value, "__self__", None)
        if isinstance(module, str):
            library = library_of(module) or extension_of(module)
            if library is None:
                raise NotIdentified(unseen(value))
            self.say(library, module)
        elif not isinstance(owner, types.ModuleType):
            self.visit(getattr(value, "__objclass__", owner))
        self.say("builtin", value.__name__)

    def operation(self, value: Any) -> None:
        """Add an operation of ``torch.ops``."""
        self._operation(*str(value).split(".")[:2])

    def _operations(self, names: frozenset[str]) -> None:
        """Add the operations that code finds by name in ``torch.ops``."""
        known = {schema.name for schema in torch._C._jit_get_all_schemas()}
        for family, _, name in sorted(each.partition("::") for each in known):
            if family in names and name in names:
                self._operation(family, name)

    def _operation(self, family: str, name: str) -> None:
        defined = OPDEFS.get(f"{family}::{name}")
        self.say("operation", family, name)
        if defined is not None:
            self.visit_all(defined._init_fn, defined._backend_fns)
        elif family not in OF_TORCH:
            raise NotIdentified(f"operation 'torch.ops.{family}.{name}' is compiled, and cannot be looked at")


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return "empty"


def _is_simple(value: object) -> bool:
    return type(value) in SIMPLE or (type(value) in (tuple, list) and all(map(_is_simple, value)))  # type: ignore[call-overload]


def _function_of(value: object) -> types.FunctionType | None:
    found = getattr(value, "__func__", value)
    return found if isinstance(found, types.FunctionType) else None


def module_name(kind: type) -> str:
    """Return the name of the module of a class; compiled ones may have none."""
    return kind.__module__ if isinstance(kind.__module__, str) else "builtins"


def _has_own_code(kind: type) -> bool:
    functions = [found for value in vars(kind).values() if (found := _function_of(value)) is not None]
    return any(library_of_code(each.__code__, str(each.__globals__.get("__name__", ""))) is None for each in functions)


def set_while_running(kind: type) -> set[str]:
    """Return the attributes that methods of a class, and not its construction, set of anything."""
    functions = {name: _function_of(value) for name, value in vars(kind).items() if name not in CONSTRUCTION}
    return {name for each in functions.values() if each is not None for name in names_in(each.__code__).stored}


def unseen(value: Any) -> str:
    """Return that something cannot be looked at."""
    kind = type(value)
    names = (getattr(value, each, None) for each in ("__qualname__", "_name"))
    named = next((f"{name!r}, of type" for name in names if isinstance(name, str)), "an object of type")
    return f"{named} {kind.__module__}.{kind.__qualname__}, is compiled or cannot be read, and cannot be looked at"
