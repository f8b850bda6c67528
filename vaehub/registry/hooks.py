"""Hooks that a plugin may implement: its catalog, and the events it listens to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from vaehub.core.result import Result
    from vaehub.registry.entries import Entry

hookspec = pluggy.HookspecMarker("vaehub")
hookimpl = pluggy.HookimplMarker("vaehub")


@hookspec
def vaehub_catalog() -> Sequence[Entry]:
    """Return what the plugin contributes."""
    return ()


@hookspec
def vaehub_training_started(training_id: str, recipe: Mapping[str, object]) -> None:
    """A training begins; ``recipe`` holds names and parameters as plain values."""


@hookspec
def vaehub_epoch_ended(training_id: str, epoch: int, losses: Mapping[str, Mapping[str, float]]) -> None:
    """An epoch has ended; ``losses["train"]["total"]`` and so on are means over observations."""


@hookspec
def vaehub_trained(training_id: str, status: str, seconds: float) -> None:
    """A training has ended and is recorded; ``status`` is ``done`` or ``failed``."""


@hookspec
def vaehub_measured(measurement_id: str, metric: str, result: Result) -> None:
    """A measurement has succeeded and is recorded."""
