"""Options that are not given are not converted: to convert anything, Typer loads pydantic, which takes its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from typer.core import TyperGroup


class Group(TyperGroup):
    """A group of commands that leaves its own options so."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the name of a command."""
        leave_unset(self.get_params(ctx))
        return super().parse_args(ctx, args)


def leave_unset(params: Iterable[Any]) -> None:
    """Have parameters that may be missing be ``None`` where they are, without a look at what else they could be.

    Args:
        params: Of a command, as Typer makes them. One whose absence means something else is left alone: it is required,
            or takes several values.
    """
    for param in params:
        is_single = param.nargs == 1 and not (param.required or getattr(param, "multiple", False))
        if is_single and "process_value" not in vars(param):
            param.process_value = _but_for_none(param.process_value, param)


def _but_for_none(convert: Callable[[Any, Any], Any], param: Any) -> Callable[[Any, Any], Any]:
    def process_value(context: Any, value: Any) -> Any:
        if value is not None:
            return convert(context, value)
        return None if param.callback is None else param.callback(context, param, None)

    return process_value
