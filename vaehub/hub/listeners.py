"""Events that plugins receive, whatever becomes of those that listen."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from vaehub.core.errors import first_line
from vaehub.registry.places import package_of, place_of_error
from vaehub.registry.trackers import is_tracker

if TYPE_CHECKING:
    from pluggy import PluginManager

    from vaehub.core.metric import Metric
    from vaehub.core.result import Result
    from vaehub.hub.requests import MeasurementRequest

log = logging.getLogger(__name__)


def tell_measured(manager: PluginManager, request: MeasurementRequest, metric: Metric, result: Result) -> None:
    """Tell plugins that a measurement is recorded."""
    tell(
        manager,
        "measured",
        measurement_id=request.id,
        metric=request.metric.name,
        result=result,
        params=request.metric.params.identity(),
        subject=request.subject.key(),
        trainings={recipe.id: recipe.identity() for recipe in request.subject.trainings},
        plot=partial(metric.plot, result),
    )


def tell(manager: PluginManager, event: str, **news: object) -> None:
    """Send an event to every plugin that listens to it; one that fails keeps no other from hearing it."""
    name = f"vaehub_{event}"
    for listener in reversed(getattr(manager.hook, name).get_hookimpls()):
        others = [plugin for plugin in manager.get_plugins() if plugin is not listener.plugin]
        try:
            manager.subset_hook_caller(name, others)(**news)
        except KeyboardInterrupt:
            raise
        # A stranger's tracker runs here, and must not cost a training. What it raises need be no Exception.
        except BaseException as error:
            if is_tracker(listener.plugin_name):
                _give_up(manager, listener.plugin_name, event, error)
            else:
                place = place_of_error(error, [package_of(listener.function.__module__)])
                why = f"{type(error).__name__}: {first_line(error)}{place}"
                log.warning(
                    "plugin %r failed when told of %s: %s", listener.plugin_name, event, why, exc_info=_traceback(error)
                )


def _give_up(manager: PluginManager, tracker: str, event: str, error: BaseException) -> None:
    """Tell a tracker no more: where its place is gone, each event would cost a wait and say the same again."""
    manager.unregister(name=tracker)
    log.warning(
        "%s failed when told of %s, and hears of nothing more here; all work is recorded in the store as ever: %s",
        tracker,
        event,
        f"{type(error).__name__}: {first_line(error)}",
        exc_info=_traceback(error),
    )


def _traceback(error: BaseException) -> BaseException | None:
    return error if log.isEnabledFor(logging.DEBUG) else None
