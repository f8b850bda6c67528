"""Parameters: documented, bounded, and their defaults valid."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError

from vaehub.core.params import Params
from vaehub.core.problems import problems_of
from vaehub.testing.failures import Item

_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of")


def check_params(item: Item) -> None:
    """Note parameters without description, whole numbers without bound, and defaults that are not allowed."""
    kind: type[Params] = item.attempt("has parameters that cannot be loaded", item.registered.load_params)
    for name, field in kind.model_fields.items():
        if not (field.description or "").strip():
            item.broken(f"has the parameter {name!r} without a description; Field(…, description='…') gives one", kind)
        bounded = any(hasattr(mark, bound) for mark in field.metadata for bound in _BOUNDS)
        if not bounded and _has_unbounded_integer(field.annotation):
            item.broken(
                f"has the parameter {name!r}, a whole number without bound; Field(…, ge=0) or gt, le, lt gives one",
                kind,
            )
    given = {name: field.get_default(call_default_factory=False) for name, field in kind.model_fields.items()}
    defaults = {name: given[name] for name, field in kind.model_fields.items() if not field.is_required()}
    try:
        kind.model_validate({name: value for name, value in defaults.items() if value is not None})
    except ValidationError as error:
        # What is wrong of several together may well have to be given.
        if any(detail["loc"] and detail["type"] != "missing" for detail in error.errors()):
            item.broken(f"has defaults that it does not take itself: {'; '.join(problems_of(error, kind))}", kind)


def _has_unbounded_integer(annotation: Any) -> bool:
    """Return whether a value may be any whole number; inside of lists and the like too."""
    if annotation is int:
        return True
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        marks = [each for mark in marks for each in getattr(mark, "metadata", [mark])]
        return not any(hasattr(mark, bound) for mark in marks for bound in _BOUNDS) and _has_unbounded_integer(inner)
    if get_origin(annotation) in (list, tuple, dict):
        return False  # such as places and shapes, which have a meaning of their own
    return any(_has_unbounded_integer(each) for each in get_args(annotation) if not isinstance(each, str | int))
