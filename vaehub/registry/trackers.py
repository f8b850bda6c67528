"""Trackers: listeners that a user asks for by plugin and place, such as ``tensorboard:runs``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pluggy

from vaehub.core.errors import ContractBroken, VaehubError, described, first_line
from vaehub.registry.catalog import HOME
from vaehub.registry.places import place_of

log = logging.getLogger(__name__)

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
        VaehubError: If it has no place, or one with a comma.
    """
    name, _, where = tracker.strip().partition(":")
    if "," in where:
        raise VaehubError(
            f"the place of tracker {tracker!r} has a comma, which stands between trackers in {TRACKERS}; name another"
        )
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


def add_what_can_be(manager: pluggy.PluginManager, trackers: Sequence[str]) -> list[str]:
    """Have trackers hear of events where others, who asked for the work, have made them too; as :func:`add`.

    One that cannot be made here is left out with a warning: work that was given is done.
    """
    names = []
    for each in trackers:
        try:
            names += add(manager, [each])
        except VaehubError as error:
            log.warning("%s; all work is recorded in the store as ever", error)
    return names


@contextmanager
def added(manager: pluggy.PluginManager, trackers: Sequence[str]) -> Iterator[None]:
    """Have trackers hear of events as long as the context lasts; what cannot be made here costs no work."""
    names = add_what_can_be(manager, trackers)
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
    makers: dict[str, list[pluggy.HookImpl]] = {}
    for impl in manager.hook.vaehub_tracker.get_hookimpls():
        makers.setdefault(impl.plugin_name.rpartition(":")[2], []).append(impl)
    if name not in makers:
        known = ", ".join(sorted(makers)) or "none"
        raise VaehubError(f"unknown tracker {name!r}; installed plugins have {known}, written as NAME:PLACE")
    # A name of vaehub's own stays vaehub's.
    chosen = [each for each in makers[name] if each.plugin_name.startswith(f"{HOME}:")] or makers[name]
    if len(chosen) > 1:
        claimed = " and ".join(sorted(each.plugin_name for each in chosen))
        raise VaehubError(f"tracker {name!r} is claimed by {claimed}; uninstall one of them")
    try:
        listener = chosen[0].function(where)
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
    if not manager.get_hookcallers(listener):
        manager.unregister(name=key)
        raise ContractBroken(
            f"tracker {name!r} is {described(listener)}, and none of its methods is a hook with '@hookimpl'"
            f"{place_of(chosen[0].function)}"
        )
