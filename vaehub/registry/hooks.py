"""Hooks that a plugin may implement: its catalog, and the events it listens to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.core.result import Result
    from vaehub.registry.entries import Entry

hookspec = pluggy.HookspecMarker("vaehub")
hookimpl = pluggy.HookimplMarker("vaehub")


@hookspec
def vaehub_catalog() -> Sequence[Entry]:
    """Return what the plugin contributes."""
    return ()


@hookspec
def vaehub_tracker(where: str) -> object:
    """Return an object whose methods, marked with ``hookimpl``, hear of the events below.

    It is asked for by ``--tracker PLUGIN:WHERE`` or ``VAEHUB_TRACKERS``, in each process that trains or measures.

    Args:
        where: A path that is whole, or an address with ``://``.

    Raises:
        VaehubError: If it cannot work, such as for want of a package; nothing has been done then.
    """


@hookspec
def vaehub_study_started(
    study_id: str,
    study: str,
    scale: str,
    definition: Mapping[str, object],
    trainings: Sequence[str],
    n_measurements: int,
) -> None:
    """A study begins: what it asks for was tried out, and what the store has not is made now.

    Told once, by the process that runs the study and not by its workers; of a study that is refused, or whose time is
    over before work begins, neither this nor its end.

    Args:
        study_id: The same for all runs that ask for the same measurements under the same name, whatever the store.
        study: Its name.
        scale: Name of the scale.
        definition: Its title, paper, grids, reports and analyses, as plain values.
        trainings: Ids of all trainings that it asks for, those that the store has too.
        n_measurements: What it asks for, each once, its analyses among them.
    """


@hookspec
def vaehub_study_ended(
    study_id: str,
    study: str,
    scale: str,
    trainings: Sequence[str],
    status: str,
    seconds: float,
    counts: Mapping[str, int],
    error: str | None,
) -> None:
    """A study that has begun has ended, after all that was made for it; an interruption is an end too.

    Args:
        study_id: As above, like the next three.
        study: Its name.
        scale: Name of the scale.
        trainings: Ids of all trainings that it asks for.
        status: ``done``; ``failed``, if a measurement could not be made, or an error ended the study; ``stopped``, if
            it was interrupted, or its time was over.
        seconds: Since it began.
        counts: ``n_measurements``, and of these ``done`` and ``failed``, as the store has them now; empty after an
            error or an interruption.
        error: Why it ended, if an error ended it. The store has the reason of each measurement that failed.
    """


@hookspec
def vaehub_training_started(training_id: str, recipe: Mapping[str, object]) -> None:
    """A training begins; ``recipe`` holds names and parameters as plain values."""


@hookspec
def vaehub_epoch_ended(training_id: str, epoch: int, losses: Mapping[str, Mapping[str, float]]) -> None:
    """An epoch has ended; ``losses["train"]["total"]`` and so on are means over observations."""


@hookspec
def vaehub_trained(
    training_id: str, status: str, seconds: float, recipe: Mapping[str, object], error: str | None
) -> None:
    """A training has ended and is recorded; ``status`` is ``done`` or ``failed``, and ``error`` says why it failed.

    A model on the way, of ``--at-epochs``, is a training of its own, and its beginning is that of the whole training.
    """


@hookspec
def vaehub_measured(
    measurement_id: str,
    metric: str,
    result: Result,
    params: Mapping[str, object],
    subject: Mapping[str, object],
    trainings: Mapping[str, Mapping[str, object]],
    plot: Callable[[], Figure | None],
) -> None:
    """A measurement has succeeded and is recorded.

    Args:
        measurement_id: Its identity.
        metric: Name of the metric.
        result: What was measured.
        params: Parameters of the metric.
        subject: What was measured, as plain values.
        trainings: Recipes of the trainings that were measured, by id: one of a model, two of a pair, else none. They
            may have been trained long ago, by another process.
        plot: Draws the metric's plot of the result; returns ``None`` if it has none, and needs matplotlib.
    """
