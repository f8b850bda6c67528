"""Finding plugins: every entry point of the group ``vaehub``, each on its own, so that none can break another."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import cast

import pluggy

from vaehub.core.errors import VaehubError, described
from vaehub.registry import hooks
from vaehub.registry.entries import KINDS, Entry
from vaehub.registry.lawfulness import check_entry, check_hooks
from vaehub.registry.places import package_of, place_of, place_of_error

GROUP = "vaehub"
ONLY = "VAEHUB_PLUGINS"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plugin:
    """One installed plugin, loaded or not.

    Attributes:
        name: Name of its entry point.
        distribution: Installed package that it comes from.
        version: Version of that package.
        module: Module that holds the manifest.
        entries: What it contributes; empty if it failed.
        failure: Reason why it was not loaded, in a sentence; ``None`` if it was.
        details: Traceback of the failure.
    """

    name: str
    distribution: str
    version: str
    module: str
    entries: tuple[Entry, ...] = ()
    failure: str | None = None
    details: str | None = None


@dataclass(frozen=True)
class Discovered:
    """All plugins found, and the manager that calls their hooks."""

    plugins: tuple[Plugin, ...]
    manager: pluggy.PluginManager = field(repr=False)


def discover() -> Discovered:
    """Load the manifest of every installed plugin, or of those that ``VAEHUB_PLUGINS`` names.

    A plugin that cannot be loaded is kept with its reason; nothing is raised for it.

    Raises:
        VaehubError: If ``VAEHUB_PLUGINS`` names a plugin that is not installed.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    # A path that is searched twice yields a distribution twice. A malformed line has no value.
    found = {(point.name, point.value or "", _owner(point.dist)[0]): point for point in entry_points(group=GROUP)}
    points = [found[key] for key in sorted(found)]
    return Discovered(tuple(_loaded(point, manager) for point in _chosen(points)), manager)


def _chosen(points: Sequence[EntryPoint]) -> Iterable[EntryPoint]:
    only = os.environ.get(ONLY)
    if not only:
        return points
    names = [name.strip() for name in only.split(",") if name.strip()]
    installed = {point.name for point in points}
    for name in names:
        if name not in installed:
            near = get_close_matches(name, installed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; installed are {', '.join(sorted(installed))}"
            raise VaehubError(f"{ONLY} names plugin {name!r}, which is not installed{hint}")
    return [point for point in points if point.name in names]


def _loaded(point: EntryPoint, manager: pluggy.PluginManager) -> Plugin:
    distribution, version = _owner(point.dist)
    # Two distributions may use one name for their entry point; both are loaded.
    key = f"{distribution}:{point.name}"
    try:
        module = point.load()
        check_hooks(module, point.value or "")
        manager.register(module, name=key)
        manager.check_pending()
        entries = _catalog(manager, module)
    except KeyboardInterrupt:
        raise
    # Third-party code runs here: a broken plugin must not break anything else. What Rust raises when it panics, and
    # SystemExit, are no Exceptions.
    except BaseException as error:  # noqa: BLE001
        if manager.has_plugin(key):
            manager.unregister(name=key)
        said = " ".join(str(error).split()) or type(error).__name__
        reason = f"{said}{place_of_error(error, [package_of(point.value or '')])}"
        hint = "'vaehub --debug plugin list' tells more"
        log.warning("plugin %r of %s was not loaded: %s; %s", point.name, distribution, reason, hint)
        details = "".join(traceback.format_exception(error))
        return Plugin(point.name, distribution, version, point.value, failure=reason, details=details)
    return Plugin(point.name, distribution, version, point.value, entries)


@cache
def _owner(distribution: Distribution | None) -> tuple[str, str]:
    """Return name and version, read once, because this parses all metadata, README included."""
    return (distribution.name, distribution.version) if distribution else ("unknown", "unknown")


def _catalog(manager: pluggy.PluginManager, module: object) -> tuple[Entry, ...]:
    implementations = [impl for impl in manager.hook.vaehub_catalog.get_hookimpls() if impl.plugin is module]
    entries: list[Entry] = []
    for impl in implementations:
        answer: object = impl.function()
        if not isinstance(answer, Iterable):
            said = "None" if answer is None else described(answer)
            raise TypeError(f"vaehub_catalog returns {said}, and it returns a list of entries{place_of(impl.function)}")
        entries += cast(Iterable[Entry], answer)
    try:
        _check(entries)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}{place_of(implementations[0].function)}") from error
    return tuple(entries)


def _check(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if not isinstance(entry, KINDS):
            raise TypeError(f"vaehub_catalog holds {entry!r}, which is none of Model, Network, Dataset, Metric …")
        check_entry(entry)
    named = [(entry.kind, entry.name) for entry in entries]
    for kind, name in named:
        if named.count((kind, name)) > 1:
            raise ValueError(f"vaehub_catalog declares {kind} {name!r} twice")
