"""Commands that make stored trainings and measurements again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json, canonical_json
from vaehub.core.recipe import TrainParams
from vaehub.hub.requests import DEFAULT_DATASET, DEFAULT_NETWORK
from vaehub.hub.subject import IN_MEMORY
from vaehub.store.records import MeasurementRecord, TrainingRecord

if TYPE_CHECKING:
    from vaehub.registry.catalog import Catalog

Part = Mapping[str, Json]


def commands_of(
    catalog: Catalog, trainings: Mapping[str, TrainingRecord], measurements: Iterable[MeasurementRecord]
) -> list[str]:
    """Return a command for each recipe and its metrics, with all seeds; and one for each pair that was compared.

    Models and data that were handed over in memory have none.
    """
    seeds: dict[str, list[int]] = {}
    recipes: dict[str, Mapping[str, Json]] = {}
    keys: dict[str, str] = {}
    for name, record in trainings.items():
        if _in_memory(record.recipe):
            continue
        key = keys[name] = canonical_json({part: each for part, each in record.recipe.items() if part != "seed"})
        recipes.setdefault(key, record.recipe)
        seeds.setdefault(key, []).append(record.seed)
    # A name asked for with other parameters is another command.
    asked: dict[str, list[dict[str, Part]]] = {key: [] for key in recipes}
    pairs: dict[str, None] = {}
    for measurement in measurements:
        metric = measurement.request["metric"]
        assert isinstance(metric, Mapping), "requests are nested mappings"
        if measurement.other is not None and measurement.training is not None:
            both = f"{measurement.training[:12]} {measurement.other[:12]}"
            given = _sets(catalog, "metric", metric, "metric")
            pairs[f"vaehub compare {both} --metric {shlex.quote(measurement.metric)}{given}"] = None
        elif measurement.training in keys and "training" in measurement.subject:
            groups = asked[keys[measurement.training]]
            free = (each for each in groups if each.get(measurement.metric, metric) == metric)
            group = next(free, None)
            if group is None:
                group = {}
                groups.append(group)
            group[measurement.metric] = metric
    lines = []
    for key, recipe in recipes.items():
        start = _start(catalog, recipe, sorted(set(seeds[key])))
        for group in asked[key]:
            metrics = "".join(f" --metric {shlex.quote(name)}" for name in group)
            # With several metrics, a metric's settings carry its name.
            scope = {name: f"metric.{name}" if len(group) > 1 else "metric" for name in group}
            given = "".join(_sets(catalog, "metric", metric, scope[name]) for name, metric in group.items())
            lines.append(f"{start}{metrics}{given}")
    return [*lines, *pairs]


def _in_memory(recipe: Mapping[str, Json]) -> bool:
    parts = [recipe[name] for name in ("model", "network", "dataset")]
    return any(isinstance(part, Mapping) and part["distribution"] == IN_MEMORY for part in parts)


def _start(catalog: Catalog, recipe: Mapping[str, Json], seeds: Sequence[int]) -> str:
    found = "vaehub run"
    usual = {"model": None, "network": DEFAULT_NETWORK, "dataset": DEFAULT_DATASET}
    given = ""
    for kind, default in usual.items():
        part = recipe[kind]
        assert isinstance(part, Mapping), "recipes are nested mappings"
        name = str(part.get("entry", part["name"]))
        if name != default:
            found += f" --{kind} {shlex.quote(name)}"
        given += _sets(catalog, kind, part, "data" if kind == "dataset" else kind)
    train = recipe["train"]
    assert isinstance(train, Mapping), "recipes are nested mappings"
    given += _assignments(train["params"], TrainParams().model_dump(mode="json"), "train")
    if list(seeds) != [0]:
        found += "".join(f" --seed {seed}" for seed in seeds)
    return found + given


def _sets(catalog: Catalog, kind: str, part: Part, scope: str) -> str:
    name = part.get("entry", part["name"])
    try:
        params = catalog.find(kind, f"{part['distribution']}:{name}").load_params()
        defaults: Mapping[str, Json] = params.model_construct().model_dump(mode="json")
    except VaehubError:
        defaults = {}  # its plugin is not installed here: all is said
    incidental = part.get("incidental")
    where = incidental if isinstance(incidental, Mapping) else {}
    params_given = part["params"]
    assert isinstance(params_given, Mapping), "recipes are nested mappings"
    return _assignments({**params_given, **where}, defaults, scope)


def _assignments(values: Json, defaults: Mapping[str, Json], scope: str) -> str:
    assert isinstance(values, Mapping), "parameters are a mapping"
    found = ""
    for name, value in values.items():
        if value is not None and (name not in defaults or defaults[name] != value):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found += f" --set {shlex.quote(f'{scope}.{name}={text}')}"
    return found
