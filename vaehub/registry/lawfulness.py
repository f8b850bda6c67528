"""What every manifest holds to, told from what it says alone: nothing that it names is imported."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import get_args

from vaehub.registry import hooks
from vaehub.registry.entries import Dataset, Entry, Metric, Subject
from vaehub.registry.places import place_of

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""Names in the catalog and in results."""
_TARGET = re.compile(r"[A-Za-z_][\w.]*:\S+")


@cache
def hook_arguments() -> dict[str, tuple[str, ...]]:
    """Return the names of all hooks with those of their arguments."""
    return {
        name: tuple(inspect.signature(function).parameters)
        for name, function in vars(hooks).items()
        if hasattr(function, "vaehub_spec")
    }


def check_hooks(manifest: object, where: str) -> None:
    """Refuse a manifest whose hooks cannot be called, or which has none.

    Args:
        manifest: A module, or an object in one.
        where: Its import path, for the message.

    Raises:
        TypeError: If so, with the hooks or arguments that there are.
    """
    known, found = hook_arguments(), dict(_hooks_of(manifest))
    marked = {name: function for name, function in found.items() if hasattr(function, "vaehub_impl")}
    for name, function in marked.items():
        if name not in known:
            raise TypeError(f"unknown hook {name!r}; hooks are {', '.join(known)}{place_of(function)}")
        asked = [each for each in inspect.signature(function).parameters if each != "self"]
        if wrong := [each for each in asked if each not in known[name]]:
            raise TypeError(
                f"hook {name!r} asks for {' and '.join(map(repr, wrong))}; its arguments are "
                f"{', '.join(known[name]) or 'none'}, of which it may leave out any{place_of(function)}"
            )
    for name, function in found.items():
        if name in known and name not in marked:
            raise TypeError(f"{name!r} is no hook without '@hookimpl' of vaehub.registry above it{place_of(function)}")
    if not marked:
        raise TypeError(
            f"{where} has no hook; a manifest has a function 'vaehub_catalog' with '@hookimpl' of vaehub.registry "
            "above it, which returns what there is"
        )


def check_entry(entry: Entry) -> None:
    """Refuse an entry whose name, import strings or texts are none.

    Raises:
        ValueError: If so.
    """
    title = f"{entry.kind} {entry.name!r}"
    if not (isinstance(entry.name, str) and NAME.fullmatch(entry.name)):
        raise ValueError(
            f"vaehub_catalog declares {title}, and a name is lower-case words joined by underscores, such as "
            "'code_norm'"
        )
    targets = (entry.params, entry.card if isinstance(entry, Dataset) else None)
    for target in (entry.target, *(each for each in targets if each is not None)):
        if not (isinstance(target, str) and _TARGET.fullmatch(target)):
            raise ValueError(
                f"vaehub_catalog declares {title} at {target!r}, and an import string is 'package.module:Name'"
            )
    if not (isinstance(entry.summary, str) and entry.summary.strip()):
        raise ValueError(f"vaehub_catalog declares {title} with the summary {entry.summary!r}, and it is a phrase")
    if not isinstance(entry.revision, int) or entry.revision < 1:
        raise ValueError(f"vaehub_catalog declares {title} in revision {entry.revision!r}, and revisions count from 1")
    if isinstance(entry, Metric) and entry.subject not in get_args(Subject):
        raise ValueError(
            f"vaehub_catalog declares {title}, which measures {entry.subject!r}, and a metric measures one of "
            f"{', '.join(get_args(Subject))}"
        )


def _hooks_of(manifest: object) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield what a manifest has under names of hooks, or marked as hooks."""
    for name in dir(manifest):
        if name.startswith("vaehub_") and callable(found := getattr(manifest, name)):
            yield name, found
