"""Documentation of parameters, from their declarations."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from vaehub.core.identity import Json
from vaehub.core.params import Params


@dataclass(frozen=True)
class ParamInfo:
    """Documentation of one parameter."""

    name: str
    type: str
    default: Json
    limits: str
    description: str
    required: bool = False


def document(params: type[Params]) -> list[ParamInfo]:
    """Return the documentation of each parameter, in order of definition."""
    defaults = params.model_construct().model_dump(mode="json")
    return [
        ParamInfo(
            name,
            _type_name(field.annotation),
            defaults.get(name),
            _limits(field),
            field.description or "",
            field.is_required(),
        )
        for name, field in params.model_fields.items()
    ]


def _type_name(annotation: Any) -> str:  # a type expression is whatever the author wrote
    if annotation is type(None):
        return "none"
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return "table"
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    if not arguments:
        return getattr(annotation, "__name__", repr(annotation)).lower()
    if all(isinstance(argument, str) for argument in arguments):
        return " | ".join(arguments)
    names = [_type_name(argument) for argument in arguments]
    if get_origin(annotation) is tuple and Ellipsis not in get_args(annotation):
        return f"({', '.join(names)})"
    return f"list of {names[0]}" if get_origin(annotation) in (tuple, list) else " | ".join(names)


def _limits(field: FieldInfo) -> str:
    signs = {
        "gt": ">",
        "ge": ">=",
        "lt": "<",
        "le": "<=",
        "multiple_of": "multiple of",
        "min_length": "length >=",
        "max_length": "length <=",
    }
    found = [f"{signs[key]} {getattr(item, key)}" for item in field.metadata for key in signs if hasattr(item, key)]
    return ", ".join(found)
