"""Plain values and numpy arrays from a pickle, without running it.

A pickle is a program that can call anything. Here its instructions are only read: numbers, text, lists, dictionaries
and numpy arrays are built, and everything else is refused.
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
    """Name of an object that the pickle wants to import; nothing is imported."""

    name: str


@dataclass
class _Unfinished:
    """A numpy array or dtype whose state has not been read yet."""

    kind: str
    dtype: np.dtype[Any] | None = None
    value: np.ndarray[Any, Any] | None = None


_ARRAYS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_BUFFERS = ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer")
_DTYPE, _ENCODE = "numpy dtype", "_codecs encode"
_PLAIN_KINDS = "biuf"
_PLAIN = (str, bytes, int, float, type(None))
"""Types of values that contain no others; ``bool`` is an ``int``."""
_LONGEST_QUOTE = 80
"""Characters of a damaged or hostile file that a message may quote."""


def read_pickle(content: bytes, title: str) -> Any:
    """Return the value in a pickle, built of plain values and numpy arrays of numbers.

    Text of Python 2 is returned as bytes.

    Args:
        content: The pickle.
        title: Name of the content in messages.

    Raises:
        DataError: If it is not a pickle, or contains anything else.
    """
    try:
        return _Reader(title).read(content)
    except DataError:
        raise
    # Damaged instructions can raise almost any exception.
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:_LONGEST_QUOTE]}"
        raise DataError(f"{title} cannot be read ({reason}); replace the file") from error


class _Reader:
    """The stack machine of pickles, without instructions that run code."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.left_to_encode = 0

    def read(self, content: bytes) -> Any:
        # Each text is decoded once, so that all of them together are no longer than the file; a text that is used again
        # and again could fill the memory.
        self.left_to_encode = len(content)
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return self._finished(self.stack.pop(), {})
            self._step(opcode.name, argument)
        raise DataError(f"{self.title} ends before its last instruction; replace the file")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(_LITERALS[name](argument))
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "MARK":
            self.marks.append(len(stack))
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
            stack[-1].update(_paired([key, value]))
        elif name == "SETITEMS":
            items = self._to_mark()
            stack[-1].update(_paired(items))
        elif name == "GLOBAL":
            stack.append(_Name(argument))
        elif name == "STACK_GLOBAL":
            member, module = stack.pop(), stack.pop()
            stack.append(_Name(f"{_text(module)} {_text(member)}"))
        elif name == "REDUCE":
            arguments, asked = stack.pop(), stack.pop()
            stack.append(self._made(asked, arguments))
        elif name == "BUILD":
            state = stack.pop()
            self._build(stack[-1], state)
        else:
            raise self._refused(f"the instruction {name}")

    def _to_mark(self) -> list[Any]:
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items

    def _made(self, asked: Any, arguments: tuple[Any, ...]) -> Any:
        name = asked.name if isinstance(asked, _Name) else ""
        if name in _ARRAYS and isinstance(arguments[0], _Name) and arguments[0].name == "numpy ndarray":
            return _Unfinished("array")
        if name in _BUFFERS:  # how protocol 5 writes arrays
            return self._from_buffer(*arguments)
        if name == _DTYPE:
            return _Unfinished("dtype", dtype=np.dtype(_text(arguments[0])))
        if name == _ENCODE:  # how protocols 0 to 2 write bytes
            encoded = _text(arguments[0]).encode("latin-1")
            self.left_to_encode -= len(encoded)
            if self.left_to_encode < 0:
                raise self._refused("one text again and again")
            return encoded
        # Not the value itself, which can be constructed to take for ever to print.
        raise self._refused(repr(name[:_LONGEST_QUOTE]) if name else f"a call of a {type(asked).__name__}")

    def _build(self, target: Any, state: Any) -> None:
        if not isinstance(target, _Unfinished):
            raise self._refused("the state of an object")
        if target.kind == "dtype":
            assert target.dtype is not None, "made with one"
            target.dtype = target.dtype.newbyteorder(">" if _text(state[1]) == ">" else "<")
            return
        _, shape, dtype, fortran, data = state
        target.value = self._values(data, dtype).reshape(shape, order="F" if fortran else "C")

    def _from_buffer(
        self, data: Any, dtype: Any, shape: tuple[int, ...], order: Any, axes: tuple[int, ...] | None = None
    ) -> _Unfinished:
        values = self._values(data, dtype)
        if _text(order) == "K" and axes is not None:  # axes neither in C's order nor in Fortran's
            return _Unfinished("array", value=values.reshape(shape).transpose(axes))
        return _Unfinished("array", value=values.reshape(shape, order="F" if _text(order) == "F" else "C"))

    def _values(self, data: Any, dtype: Any) -> np.ndarray[Any, Any]:
        found = dtype.dtype if isinstance(dtype, _Unfinished) else None
        if found is None or found.kind not in _PLAIN_KINDS or not isinstance(data, bytes):
            raise self._refused("an array of objects")
        return np.frombuffer(data, found)

    def _finished(self, value: Any, done: dict[int, Any]) -> Any:
        """Return a value with its arrays filled in."""
        # A value that occurs several times is processed once: otherwise a few nested lists would take for ever.
        if isinstance(value, _PLAIN):
            return value
        if id(value) not in done:
            done[id(value)] = self._collection(value, done)
        return done[id(value)]

    def _collection(self, value: Any, done: dict[int, Any]) -> Any:
        if isinstance(value, _Unfinished) and value.value is not None:
            return value.value
        if isinstance(value, dict):
            return {key: self._finished(item, done) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._finished(item, done) for item in value)
        raise self._refused("something that is no value")

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
    "BYTEARRAY8": bytes,
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "EMPTY_TUPLE": lambda _: (),
}


def _paired(items: list[Any]) -> dict[Any, Any]:
    if not all(isinstance(key, _PLAIN) for key in items[::2]):
        # Deeply nested tuples of the same tuples can take for ever to hash.
        raise TypeError("a key that is neither text nor a number")
    return dict(zip(items[::2], items[1::2], strict=True))


def _text(value: Any) -> str:
    if not isinstance(value, str | bytes):
        raise TypeError(f"a {type(value).__name__} in place of a text")
    return value.decode("latin-1") if isinstance(value, bytes) else value


_COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {"TUPLE": tuple, "LIST": list, "DICT": _paired}
