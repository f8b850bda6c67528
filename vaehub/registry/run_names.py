"""Names of runs and values, the same in every tracker: equal names are laid over each other, run beside run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, identity

if TYPE_CHECKING:
    from vaehub.core.result import Result

__all__ = ["MOST_VALUES", "metric_name", "require", "run_name", "settings", "values"]

MOST_VALUES = 1000
"""Values of a vector that are sent one by one; longer ones are in the store alone."""


def require(tracker: str, package: str) -> None:
    """Say how to get what a tracker needs, if it is missing.

    Raises:
        VaehubError: If it is.
    """
    for each in (package, "matplotlib"):
        if find_spec(each) is None:
            raise VaehubError(f"tracker {tracker!r} needs the package {each!r}: pip install 'vaehub[{tracker}]'")


def run_name(training_id: str, recipe: Mapping[str, Any]) -> str:
    """Return the name of a training's run: its model, data and seed, and the beginning of its id."""
    return f"{recipe['model']['name']}-{recipe['dataset']['name']}-seed{recipe['seed']}-{training_id[:8]}"


def metric_name(metric: str, params: Mapping[str, Json]) -> str:
    """Return a name for a metric with its parameters, the same for each training."""
    return f"{metric}-{identity(dict(params))[:6]}" if params else metric


def settings(recipe: Mapping[str, Any]) -> dict[str, object]:
    """Return the recipe of a training as one level of names, such as ``model.latent_dim``."""
    found: dict[str, object] = {"seed": recipe["seed"]}
    for scope in ("model", "network", "dataset", "train"):
        part = recipe[scope]
        if "name" in part:
            found[scope] = part["name"]
        for name, value in part["params"].items():
            found[f"{scope}.{name}"] = value if isinstance(value, int | float | str) else json.dumps(value)
    return found


def values(result: Result) -> Iterator[tuple[str, int, float]]:
    """Yield name, index and value of all scalars, and of vectors of at most :data:`MOST_VALUES`."""
    for name, value in result.scalars.items():
        yield name, 0, value
    for name, vector in result.vectors.items():
        if len(vector.values) <= MOST_VALUES:
            for index, value in enumerate(vector.values.tolist()):
                yield name, index, value
