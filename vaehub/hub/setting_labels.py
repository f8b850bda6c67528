"""Settings by name, in which of them records differ, and what they are called where records stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vaehub.core.identity import Json
from vaehub.registry.run_names import flat as flat

SEEDS = ("seed", "data.seed")
"""Settings over which values are averaged."""


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
