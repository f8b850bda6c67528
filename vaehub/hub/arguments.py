"""Checks of what is handed to ``Hub``: whether a text is one, a number is one, a path is one. Imports no torch."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from os import PathLike

from vaehub.core.errors import VaehubError, described

MOST_JOBS = 1000
"""Worker processes that a machine could start; each takes some hundred megabytes."""
EXAMPLES = {"model": "vae", "network": "mlp", "dataset": "digits", "metric": "elbo"}


def text(given: object, kind: str) -> str:
    """Return the name of a model, network, dataset or metric.

    Raises:
        VaehubError: If it is no text.
    """
    if isinstance(given, str):
        return given
    more = "; a model of your own is measured by Hub.measure(METRIC, model, data=…)" if kind == "model" else ""
    if isinstance(given, list | tuple):
        more = "; call it once for each"
    raise VaehubError(
        f"a {kind} is named by a text, such as {EXAMPLES.get(kind, 'name')!r}, and {described(given)} was given{more}"
    )


def texts(given: object, kind: str) -> list[str]:
    """Return one name or several, each once.

    Raises:
        VaehubError: If one is no text.
    """
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    return list(dict.fromkeys(text(each, kind) for each in several))


def whole_number(given: object, what: str) -> int:
    """Return a whole number.

    Raises:
        VaehubError: If it is none.
    """
    try:
        if not isinstance(given, bool):
            return operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise VaehubError(f"{what} is {given!r} and should be a whole number")


def count(given: object, what: str, most: int) -> int:
    """Return a whole number from 1 to the most that there can be.

    Raises:
        VaehubError: If it is none.
    """
    number = whole_number(given, what)
    if not 1 <= number <= most:
        raise VaehubError(f"{what} is {number} and should be from 1 to {most}")
    return number


def whole_numbers(given: object, what: str) -> list[int]:
    """Return one whole number or several, each once.

    Raises:
        VaehubError: If one is none.
    """
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    return list(dict.fromkeys(whole_number(each, what) for each in several))


def mapping_of(given: object, example: str) -> dict[str, object]:
    """Return settings by name, with paths as texts, since settings are written into stores and studies.

    Raises:
        VaehubError: If they are no mapping from names.
    """
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise VaehubError(f"settings are a mapping from names to values, as in {example}, and {given!r:.80} was given")
    return {key: os.fsdecode(value) if isinstance(value, PathLike) else value for key, value in given.items()}


def is_path(name: str) -> bool:
    """Return whether a dataset is named by a path, with a separator or a suffix, which no catalog name has."""
    return "/" in name or os.sep in name or name.startswith("~") or "." in name


def path_text(path: PathLike[str]) -> str:
    """Return a path as a text that cannot be taken for a name of the catalog."""
    found = os.fsdecode(path)
    return found if is_path(found) else os.path.join(".", found)
