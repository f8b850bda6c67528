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

__all__ = ["MOST_VALUES", "flat", "metric_name", "require", "run_name", "settings", "values"]

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


def flat(recipe: Mapping[str, Json]) -> dict[str, Json]:
    """Return a recipe as settings, by the names that ``--set`` has: ``seed``, ``model``, ``model.latent_dim``."""
    found: dict[str, Json] = {}
    for part in ("model", "network", "dataset", "train"):
        value = recipe.get(part)
        if isinstance(value, Mapping):
            scope = "data" if part == "dataset" else part
            if part != "train":
                found[part] = value["name"]
            params = value["params"]
            assert isinstance(params, Mapping), "recipes are nested mappings"
            found |= {f"{scope}.{name}": each for name, each in params.items()}
    if "seed" in recipe:
        found["seed"] = recipe["seed"]
    return found


def settings(recipe: Mapping[str, Any]) -> dict[str, object]:
    """Return the same as numbers and texts, which trackers take: what is a list, or missing, as JSON."""
    plain = (int, float, str)
    return {name: value if isinstance(value, plain) else json.dumps(value) for name, value in flat(recipe).items()}


def values(result: Result) -> Iterator[tuple[str, int, float]]:
    """Yield name, index and value of all scalars, and of vectors of at most :data:`MOST_VALUES`."""
    for name, value in result.scalars.items():
        yield name, 0, value
    for name, vector in result.vectors.items():
        if len(vector.values) <= MOST_VALUES:
            for index, value in enumerate(vector.values.tolist()):
                yield name, index, value
