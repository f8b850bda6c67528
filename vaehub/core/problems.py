"""Validation errors in words: one problem for each invalid value."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]
"""Path to a value, as names and positions, such as ``("reports", 0, "title")``."""
REASONS = {"path_type": "should be a path", "tuple_type": "should be a list"}
"""Replacements for pydantic's messages that mention Python types."""
NOUNS = {"int": "whole number", "float": "number", "str": "text"}
"""Names of types in messages, where they differ from Python's."""
BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most", "multiple_of": "divisible by"}


def problems_of(error: ValidationError, params: type[BaseModel]) -> list[str]:
    """Return the problems, in the order in which they were found.

    For a value that may have several types, pydantic reports one error per type. Here they become one problem, which
    lists everything that the value may be.

    Args:
        error: Pydantic's error.
        params: The class that was validated.
    """
    found: dict[Place, list[ErrorDetails]] = {}
    for detail in error.errors():
        found.setdefault(_place_of(detail["loc"], params), []).append(detail)
    return [problem for place, details in found.items() for problem in _problems_at(place, details, params)]


def _place_of(reported: Place, params: type[BaseModel]) -> Place:
    """Return the path to a value; for one of several types, pydantic's path continues into one of them."""
    return next((reported[:n] for n, types in _along(reported, params) if len(types) > 1), reported)


def _problems_at(place: Place, details: Sequence[ErrorDetails], params: type[BaseModel]) -> Iterator[str]:
    of_types = [each for each in details if len(each["loc"]) > len(place)]
    yield from (_problem(each, params) for each in details if len(each["loc"]) == len(place))
    if of_types:
        *_, (_, types) = _along(place, params)
        yield _problem_of_types(place, of_types, types)


def _problem_of_types(place: Place, details: Sequence[ErrorDetails], types: Sequence[Any]) -> str:
    # A type that is a list reports the item that is wrong, any other type the whole value.
    whole = [repr(each["input"]) for each in details if len(each["loc"]) == len(place) + 1]
    given = f" is {whole[0]} and" if whole else ""
    rules = "".join(f"; {_reason(each)}" for each in details if each["type"] == "value_error")
    return f"{_name(place)!r}{given} should be {_either(types)}{rules}"


def _problem(detail: ErrorDetails, params: type[BaseModel]) -> str:
    name = _name(detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = list(_holder(detail["loc"], params).model_fields)
        near = get_close_matches(str(detail["loc"][-1]), known, n=1)
        hint = f", did you mean {near[0]!r}?" if near else f", it has {', '.join(known) or 'none'}"
        return f"{name!r} is not one of its parameters{hint}"
    if detail["type"] == "missing":
        return f"{name!r} is missing"
    return f"{name!r} is {detail['input']!r} and {_reason(detail)}" if name else _reason(detail)


def _reason(detail: ErrorDetails) -> str:
    if detail["type"] in REASONS:
        return REASONS[detail["type"]]
    return re.sub("^(Input|Tuple|List|Dictionary|String) should", "should", detail["msg"].removeprefix("Value error, "))


def _name(place: Place) -> str:
    return ".".join(str(part) for part in place)


# Finding the way to a value


def _holder(place: Place, params: type[BaseModel]) -> type[BaseModel]:
    """Return the class whose parameter a path leads to, which may be nested in another."""
    return [types[0] for _, types in _along(place, params) if _is_model(types[0])][-1]


def _along(place: Place, params: type[BaseModel]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the length and the types of each prefix of a path, up to the first value of several types."""
    types: list[Any] = [params]
    yield 0, types
    for n, part in enumerate(place, start=1):
        inner = _inside(types[0], part) if len(types) == 1 else None
        if inner is None:
            return
        types = _types(inner)
        yield n, types


def _inside(holder: Any, part: int | str) -> Any:
    """Return the type of the item with a name or position inside a value, or None if it is unknown."""
    holder, _ = _unmarked(holder)
    if _is_model(holder):
        field = holder.model_fields.get(str(part))
        return field and field.annotation
    origin, arguments = get_origin(holder), get_args(holder)
    if origin is tuple and Ellipsis not in arguments:
        return arguments[int(part)]
    return {list: arguments[:1], tuple: arguments[:1], dict: arguments[1:]}.get(origin, (None,))[0]


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _types(annotation: Any) -> list[Any]:
    """Return all types that a value may have, with their bounds, except None, which stands for no value."""
    inner, _ = _unmarked(annotation)
    if get_origin(inner) not in (Union, UnionType):
        return [annotation]
    return [each for some in get_args(inner) if some is not NoneType for each in _types(some)]


def _unmarked(annotation: Any) -> tuple[Any, list[Any]]:
    """Return a type without its marks, and the marks."""
    if get_origin(annotation) is not Annotated:
        return annotation, []
    inner, *marks = get_args(annotation)
    return inner, [each for mark in marks for each in (mark.metadata if isinstance(mark, FieldInfo) else [mark])]


# What a value may be, in words


def _either(types: Sequence[Any], *, many: bool = False) -> str:
    *others, last = (words for each in types for words in _alternatives(each, many=many))
    return f"{', '.join(others)} or {last}" if others else last


def _alternatives(annotation: Any, *, many: bool) -> list[str]:
    """Return the choices: each value of a literal or truth value, or one description of any other type."""
    inner, marks = _unmarked(annotation)
    origin, arguments = get_origin(inner), get_args(inner)
    if origin is Literal:
        return [repr(each) for each in arguments]
    if inner is bool:
        return ["true", "false"]
    count = _count(marks)
    if origin in (list, tuple) and (origin is list or Ellipsis in arguments):
        of = f" of {count}{_either(_types(arguments[0]), many=True)}"
    elif origin is tuple:
        of = f" of {' and '.join(_either(_types(each)) for each in arguments)}"
    else:
        of = f" of {count}characters" if count else ""
    noun = "list" if origin in (list, tuple) else NOUNS.get(inner.__name__, inner.__name__.lower())
    return [f"{noun}s{of}{_bounds(marks)}" if many else f"a {noun}{of}{_bounds(marks)}"]


def _bounds(marks: Sequence[Any]) -> str:
    """Return the bounds of a number, with a space before them."""
    found = [f"{words} {getattr(mark, key)}" for mark in marks for key, words in BOUNDS.items() if hasattr(mark, key)]
    return f" {' and '.join(found)}" if found else ""


def _count(marks: Sequence[Any]) -> str:
    """Return the permitted number of items or characters, with a space after it."""
    least = next((mark.min_length for mark in marks if hasattr(mark, "min_length")), None)
    most = next((mark.max_length for mark in marks if hasattr(mark, "max_length")), None)
    if most is None:
        return f"{least} or more " if least else ""
    return f"{least} to {most} " if least else f"at most {most} "
