"""Plain values and numpy arrays out of a pickle, without running it.

A pickle is a program that can call anything. Here its instructions are only read: numbers, text, lists, dictionaries
and numpy arrays are built, and whatever else it asks for is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaehub.core.errors import DataError


@dataclass(frozen=True)
class _Name:
    """Something that the pickle wants to be imported: only its name."""

    name: str


@dataclass
class _Unfinished:
    """A numpy array or dtype whose state is still to come."""

    kind: str
    dtype: np.dtype[Any] | None = None
    value: np.ndarray[Any, Any] | None = None


_ARRAYS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_DTYPE, _ENCODE = "numpy dtype", "_codecs encode"
_PLAIN_KINDS = "biuf"
_MARK = object()


def read_pickle(content: bytes, title: str) -> Any:
    """Return the value that a pickle describes, made of plain values and numpy arrays of numbers.

    Text of Python 2 comes as bytes.

    Args:
        content: The pickle.
        title: What it is, for messages.

    Raises:
        DataError: If it is no pickle, or asks for anything else.
    """
    try:
        return _Reader(title).read(content)
    except DataError:
        raise
    # Damaged instructions fail in as many ways as there are instructions.
    except Exception as error:
        raise DataError(f"{title} cannot be read ({type(error).__name__}: {error}); replace the file") from error


class _Reader:
    """The stack machine that pickles are written for, with nothing on it that acts."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self, content: bytes) -> Any:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return _finished(self.stack.pop())
            self._step(opcode.name, argument)
        raise DataError(f"{self.title} ends before its last instruction; replace the file")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(_LITERALS[name](argument))
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name in ("TUPLE", "LIST", "DICT"):
            stack.append(_COLLECTIONS[name](self._to_mark()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            stack[-n:] = [tuple(stack[-n:])]
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name == "APPENDS":
            items = self._to_mark()
            stack[-1].extend(items)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "SETITEMS":
            items = self._to_mark()
            stack[-1].update(_paired(items))
        elif name == "GLOBAL":
            stack.append(_Name(argument))
        elif name == "STACK_GLOBAL":
            member, module = stack.pop(), stack.pop()
            stack.append(_Name(f"{module} {member}"))
        elif name == "REDUCE":
            arguments, asked = stack.pop(), stack.pop()
            stack.append(self._made(asked, arguments))
        elif name == "BUILD":
            state = stack.pop()
            self._build(stack[-1], state)
        else:
            raise self._refused(f"the instruction {name}")

    def _to_mark(self) -> list[Any]:
        at = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _made(self, asked: Any, arguments: tuple[Any, ...]) -> Any:
        name = asked.name if isinstance(asked, _Name) else ""
        if name in _ARRAYS and isinstance(arguments[0], _Name) and arguments[0].name == "numpy ndarray":
            return _Unfinished("array")
        if name == _DTYPE:
            return _Unfinished("dtype", dtype=np.dtype(_text(arguments[0])))
        if name == _ENCODE:  # how protocol 2 writes bytes
            return arguments[0].encode("latin-1")
        raise self._refused(repr(name or asked))

    def _build(self, target: Any, state: Any) -> None:
        if not isinstance(target, _Unfinished):
            raise self._refused("the state of an object")
        if target.kind == "dtype":
            assert target.dtype is not None, "made with one"
            target.dtype = target.dtype.newbyteorder(">" if _text(state[1]) == ">" else "<")
            return
        _, shape, dtype, fortran, data = state
        found = dtype.dtype if isinstance(dtype, _Unfinished) else None
        if found is None or found.kind not in _PLAIN_KINDS or not isinstance(data, bytes):
            raise self._refused("an array of objects")
        target.value = np.frombuffer(data, found).reshape(shape, order="F" if fortran else "C")

    def _refused(self, what: str) -> DataError:
        return DataError(
            f"{self.title} asks for {what}, and only plain values and arrays of numbers are read from a pickle; do not "
            "trust this file"
        )


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


def _same(value: Any) -> Any:
    return value


_LITERALS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), _same),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _same),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING"), _bytes),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), _bytes),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "EMPTY_TUPLE": lambda _: (),
}


def _paired(items: list[Any]) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


_COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {"TUPLE": tuple, "LIST": list, "DICT": _paired}


def _finished(value: Any) -> Any:
    if isinstance(value, _Unfinished):
        return value.value
    if isinstance(value, dict):
        return {_finished(key): _finished(item) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, _Unfinished | list | dict) for item in value):
        return [_finished(item) for item in value]
    return value
