"""Results side by side: which values differ, and which are undefined."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vaehub.core.params import Params
from vaehub.core.result import Result

Values = dict[str, NDArray[np.generic]]


def values_of(result: Result) -> Values:
    """Return all numbers of a result by name; columns of tables as ``table.column``."""
    found: Values = {name: np.array(value) for name, value in result.scalars.items()}
    found |= {name: vector.values for name, vector in result.vectors.items()}
    found |= {f"{name}.{key}": column for name, each in result.tables.items() for key, column in each.columns.items()}
    found |= {name: each.vectors for name, each in result.signatures.items()}
    return found | dict(result.arrays)


def differing(one: Result, other: Result, *, tolerance: float = 0.0) -> list[str]:
    """Return the names of values that are not the same, bit by bit or within a tolerance; NaN equals NaN."""
    a, b = values_of(one), values_of(other)
    return [name for name in sorted(a.keys() | b.keys()) if not _same(a.get(name), b.get(name), tolerance)]


def undefined(result: Result) -> list[str]:
    """Return the names of values of which one is NaN or infinite."""
    return [
        name
        for name, value in values_of(result).items()
        if value.dtype.kind in "fc" and not bool(np.isfinite(value).all())
    ]


def comparable(one: Result, other: Result) -> list[str]:
    """Return the names of values that stand for the same: of the same labels or keys, where they have some."""
    vectors = [
        name
        for name, each in one.vectors.items()
        if name in other.vectors and each.labels == other.vectors[name].labels
    ]
    tables = [
        f"{name}.{column}"
        for name, each in one.tables.items()
        if name in other.tables and each.keys == other.tables[name].keys
        for column in each.columns
    ]
    return [*(one.scalars.keys() & other.scalars.keys()), *vectors, *tables]


def says_undefined(kind: type) -> bool:
    """Return whether a class, its module or the functions that these use say in words when a value is NaN."""
    return any(re.search(r"\bnan\b|undefined|not defined|infinite", text, re.IGNORECASE) for text in _documents(kind))


def says(kind: type, word: str, params: type[Params]) -> bool:
    """Return whether what :func:`says_undefined` reads, or a parameter's description, has a word."""
    described = [field.description or "" for field in params.model_fields.values()]
    return any(re.search(word, text, re.IGNORECASE) for text in (*_documents(kind), *described))


def _documents(kind: type) -> list[str]:
    module = sys.modules[kind.__module__]
    package = kind.__module__.rpartition(".")[0] or kind.__module__
    used = [each for each in vars(module).values() if _is_of(each, package)]
    inside = [each for part in used if inspect.ismodule(part) for each in vars(part).values() if _is_of(each, package)]
    methods: list[Callable[..., object]] = [each for each in vars(kind).values() if inspect.isfunction(each)]
    return [inspect.getdoc(each) or "" for each in (module, kind, *methods, *used, *inside)]


def _is_of(thing: object, package: str) -> bool:
    home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", None)
    return isinstance(home, str) and (home == package or home.startswith(f"{package}."))


def _same(a: NDArray[np.generic] | None, b: NDArray[np.generic] | None, tolerance: float) -> bool:
    if a is None or b is None or a.shape != b.shape:
        return False
    if not tolerance:
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))
