"""Settings by name, in which of them records differ, and what they are called where records stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vaehub.core.identity import Json
from vaehub.registry import run_names

SEEDS = ("seed", "data.seed")
"""Settings over which values are averaged."""


def flat(recipe: Mapping[str, Json]) -> dict[str, Json]:
    """Return a recipe as settings, with the revision and the package of each part, in which old records may differ."""
    return run_names.flat(recipe) | {
        f"{part} {name}": each
        for part in ("model", "network", "dataset", "train")
        if isinstance(value := recipe.get(part), Mapping)
        for name, each in value.items()
        if name in ("revision", "distribution")
    }


def metric_settings(request: Mapping[str, Json]) -> dict[str, Json]:
    """Return the parameters of the metric of a request, with its revision and its package."""
    metric = request["metric"]
    assert isinstance(metric, Mapping), "requests are nested mappings"
    params = metric["params"]
    assert isinstance(params, Mapping), "requests are nested mappings"
    return dict(params) | {f"metric {name}": metric[name] for name in ("revision", "distribution") if name in metric}


def varied(all_settings: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return the names of settings that differ, but for seeds and the names of models, networks and data."""
    names = dict.fromkeys(name for each in all_settings for name in each)
    kept = [name for name in names if name not in (*SEEDS, "model", "network", "dataset")]
    return [name for name in kept if len({repr(each[name]) for each in all_settings if name in each}) > 1]


def setting_label(settings: Mapping[str, Json], names: Sequence[str]) -> str:
    """Return settings in words, without their scope where they can be told apart."""
    return ", ".join(f"{name.partition('.')[2] or name} {_shown(settings[name])}" for name in names if name in settings)


def _shown(value: Json) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return "none" if value is None else str(value)
