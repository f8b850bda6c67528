"""Trackers: listeners that a user asks for by plugin and place, such as ``tensorboard:runs``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pluggy

from vaehub.core.errors import VaehubError, first_line

TRACKERS = "VAEHUB_TRACKERS"
"""Names and places of trackers, separated by commas; processes that work for this one read it too."""
_KEY = "tracker "
"""What the names of trackers begin with, in the manager."""


def asked() -> list[str]:
    """Return the trackers that the environment names."""
    return [whole(each) for each in os.environ.get(TRACKERS, "").split(",") if each.strip()]


def ask(trackers: Sequence[str]) -> None:
    """Ask for trackers, here and in all processes that are started from here; raises as :func:`whole`."""
    os.environ[TRACKERS] = ",".join(whole(each) for each in trackers)


def whole(tracker: str) -> str:
    """Return a tracker with the whole path of its place, which is the same wherever work is done.

    Raises:
        VaehubError: If it has no place.
    """
    name, _, where = tracker.strip().partition(":")
    if not name or not where:
        raise VaehubError(
            f"tracker {tracker!r} has no place; write NAME:PLACE, such as tensorboard:runs, or mlflow:http://HOST:5000"
        )
    return tracker.strip() if "://" in where else f"{name}:{Path(where).expanduser().absolute()}"


def add(manager: pluggy.PluginManager, trackers: Sequence[str]) -> list[str]:
    """Have trackers hear of events, and return the names by which the manager knows those that are new.

    Raises:
        VaehubError: If no plugin has such a tracker, or it cannot be made: its package is missing, say.
    """
    added = []
    for each in trackers:
        key = f"{_KEY}{each}"
        if not manager.has_plugin(key):
            _add(manager, each, key)
            added.append(key)
    return added


@contextmanager
def added(manager: pluggy.PluginManager, trackers: Sequence[str]) -> Iterator[None]:
    """Have trackers hear of events as long as the context lasts; raises as :func:`add`."""
    names = add(manager, trackers)
    try:
        yield
    finally:
        for name in names:
            if manager.has_plugin(name):
                manager.unregister(name=name)


def is_tracker(plugin: str) -> bool:
    """Return whether a name in the manager is that of a tracker."""
    return plugin.startswith(_KEY)


def _add(manager: pluggy.PluginManager, tracker: str, key: str) -> None:
    name, _, where = tracker.partition(":")
    makers = {impl.plugin_name.rpartition(":")[2]: impl for impl in manager.hook.vaehub_tracker.get_hookimpls()}
    if name not in makers:
        known = ", ".join(sorted(makers)) or "none"
        raise VaehubError(f"unknown tracker {name!r}; installed plugins have {known}, written as NAME:PLACE")
    try:
        listener = makers[name].function(where)
        manager.register(listener, name=key)
        manager.check_pending()
    except (VaehubError, KeyboardInterrupt):
        raise
    # A stranger's tracker is made here, and what it raises need be no Exception.
    except BaseException as error:
        if manager.has_plugin(key):
            manager.unregister(name=key)
        why = f"{type(error).__name__}: {first_line(error)}"
        raise VaehubError(f"tracker {name!r} cannot be made for {where!r}: {why}") from error
