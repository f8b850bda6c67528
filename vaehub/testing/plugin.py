"""All that a plugin contributes, checked one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from vaehub.registry.catalog import Catalog
from vaehub.testing import datasets, executors, features, manifest, metrics, models, networks, studies
from vaehub.testing.failures import Item
from vaehub.testing.running import run

CHECKS: Mapping[str, Callable[[Item], None]] = {
    "model": models.check,
    "network": networks.check,
    "dataset": datasets.check,
    "metric": metrics.check,
    "study": studies.check_study,
    "published": studies.check_published,
    "features": features.check,
    "executor": executors.check,
}


@dataclass(frozen=True)
class Checked:
    """What was found of one thing.

    Attributes:
        title: The manifest, or an entry: its kind and name.
        broken: Promises that are not kept, a sentence each.
        unchecked: Why not all could be checked here; empty if all was.
    """

    title: str
    broken: tuple[str, ...] = ()
    unchecked: str = ""


def checked_plugin(name: str) -> Iterator[Checked]:
    """Check a plugin's manifest, then each entry, with default parameters.

    Args:
        name: Name of its entry point, or of the distribution.

    Raises:
        VaehubError: If there is no such plugin.
    """
    catalog = Catalog()
    for plugin in manifest.plugins_named(name, catalog):
        yield Checked(f"manifest {plugin.module!r}", tuple(manifest.check(plugin.name, catalog, plugin.distribution)))
        for entry in plugin.entries:
            item = Item(catalog.find(entry.kind, f"{plugin.distribution}:{entry.name}"), catalog)
            unchecked = run(item, CHECKS[entry.kind])
            yield Checked(f"{entry.kind} {entry.name!r}", tuple(item.sentences), unchecked)
