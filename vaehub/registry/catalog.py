"""The catalog: from a kind and a name to the class that does the work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pluggy

from vaehub import __version__
from vaehub.core.errors import UnknownName, VaehubError, first_line
from vaehub.registry.discovery import Discovered, Plugin, discover
from vaehub.registry.entries import KINDS, TRAIN, Dataset, Entry
from vaehub.registry.places import OURS, package_of, place_of, place_of_error

if TYPE_CHECKING:
    from vaehub.core.params import Params
    from vaehub.files.card import DataCard

T = TypeVar("T")
HOME = "vaehub"
"""The distribution of the plugins that come with vaehub."""


@dataclass(frozen=True)
class Registered:
    """A catalog entry and the package that it comes from."""

    entry: Entry
    distribution: str
    version: str

    @property
    def title(self) -> str:
        """Its name in messages, such as ``model 'ard'``."""
        return f"{self.entry.kind} {self.entry.name!r}"

    def load(self, contract: type[T]) -> type[T]:
        """Import the class.

        Raises:
            VaehubError: If it cannot be imported, is not of the class that its kind requires, or lacks a method.
        """
        found = self._import(self.entry.target)
        if not (isinstance(found, type) and issubclass(found, contract)):
            raise VaehubError(
                f"{self.title} of {self.distribution} is {self.entry.target}, which is no {contract.__name__}"
                f"{place_of(found) if isinstance(found, type) else ''}; this is a fault of that package"
            )
        missing = [] if contract is object else sorted(getattr(found, "__abstractmethods__", ()))
        if missing:
            raise VaehubError(
                f"{self.title} of {self.distribution} is {self.entry.target}, which does not define "
                f"{' and '.join(map(repr, missing))}, as every {contract.__name__} does{place_of(found)}; "
                "this is a fault of that package"
            )
        return found

    def load_params(self) -> type[Params]:
        """Import the parameters, without the class if the manifest allows it."""
        from vaehub.core.params import Params

        if self.entry.params is not None:
            found, where = self._import(self.entry.params), self.entry.params
        else:
            found, where = getattr(self.load(object), "Params", None), f"{self.entry.target}.Params"
        if not (isinstance(found, type) and issubclass(found, Params)):
            raise VaehubError(
                f"{self.title} of {self.distribution} has its parameters in {where}, which is no vaehub.Params; "
                "this is a fault of that package"
            )
        return found

    def load_card(self) -> DataCard | None:
        """Import the card of a dataset; ``None`` if the manifest names none.

        Raises:
            VaehubError: If it cannot be imported, or is not a card.
        """
        from vaehub.files.card import DataCard

        target = self.entry.card if isinstance(self.entry, Dataset) else None
        if target is None:
            return None
        found = self._import(target)
        if not isinstance(found, DataCard):
            raise VaehubError(
                f"{self.title} of {self.distribution} has its card in {target}, which is no vaehub.files.DataCard; "
                "this is a fault of that package"
            )
        return found

    def read(self) -> bytes:
        """Return the content of the file that the target names, for entries that are data.

        Raises:
            VaehubError: If the package has no such file.
        """
        from importlib.resources import files

        package, _, name = self.entry.target.partition(":")
        try:
            return files(package).joinpath(name).read_bytes()
        except KeyboardInterrupt:
            raise
        # A third-party package is imported here, and what it raises need be no Exception.
        except BaseException as error:
            raise self._fault(f"cannot be read from {self.entry.target!r}", error) from error

    def _import(self, target: str) -> object:
        module, _, name = target.partition(":")
        try:
            return getattr(import_module(module), name)
        except KeyboardInterrupt:
            raise
        # As above.
        except BaseException as error:
            raise self._fault(f"cannot be loaded from {target!r}", error) from error

    def _fault(self, what: str, error: BaseException) -> VaehubError:
        place = place_of_error(error, [package_of(self.entry.target)])
        return VaehubError(
            f"{self.title} of {self.distribution} {what}: {first_line(error)}{place}; "
            "this is a fault of that package or of its installation"
        )


class Catalog:
    """All names that installed plugins contribute.

    A name that vaehub has is vaehub's, whoever else claims it; one that two others claim is resolved for neither.
    """

    def __init__(self, discovered: Discovered | None = None) -> None:
        found = discovered or discover()
        self.plugins: Sequence[Plugin] = found.plugins
        self.manager: pluggy.PluginManager = found.manager
        self._entries: Mapping[str, Mapping[str, Sequence[Registered]]] = _by_kind(found.plugins)

    def entries(self, kind: str | None = None) -> Iterator[Registered]:
        """Yield all entries, of one kind or of all, in order of kind and name."""
        for each in (entry.kind for entry in KINDS):
            if kind in (None, each):
                for name in sorted(self._entries.get(each, {})):
                    yield from self._entries[each][name]

    def reason(self, error: BaseException, *suspects: type | Callable[..., object]) -> str:
        """Return the reason of a failure, as a record stores it: with the line of the plugin that it came from.

        Args:
            error: As it was caught.
            suspects: Classes or methods that were at work. Where no line of a plugin was reached, as in a call with
                other arguments than there are, the first that is not vaehub's is named in its place.
        """
        if isinstance(error, VaehubError):
            return str(error)
        guest, place = _guest(suspects), place_of_error(error, self._packages)
        if guest and not place:
            place = place_of(guest)
        return f"{type(error).__name__}: {first_line(error)}{place}"

    def said_of_guest(self, error: VaehubError, title: str, *suspects: type) -> str:
        """Return the sentence of an error of ours that a guest caused by calling us wrongly, with the guest's line.

        Args:
            error: As it was caught.
            title: What could not be had, which the sentence names if the error does not.
            suspects: Classes that were at work.

        Returns:
            The sentence; empty if all of them are vaehub's.
        """
        if not (guest := _guest(suspects)):
            return ""
        place = place_of_error(error, [package_of(guest.__module__)]) or place_of(guest)
        said = str(error) if title in str(error) else f"{title}: {error}"
        return said if place in said else f"{said}{place}"

    @cached_property
    def _packages(self) -> frozenset[str]:
        """Packages of the plugins, with those of what their manifests name."""
        targets = [entry.target for plugin in self.plugins for entry in plugin.entries]
        return frozenset(map(package_of, [*(plugin.module for plugin in self.plugins), *targets]))

    def conflicts(self) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Yield kind, name and distributions of every name that more than one distribution claims."""
        for kind, names in self._entries.items():
            for name, claims in names.items():
                if len(claims) > 1:
                    yield kind, name, [claim.distribution for claim in claims]

    def find(self, kind: str, name: str) -> Registered:
        """Return the entry of a name, or of ``distribution:name``; a name of vaehub's own is vaehub's.

        Raises:
            VaehubError: If the name is unknown (the message suggests the nearest), or claimed by several other
                distributions.
        """
        distribution, _, bare = name.rpartition(":")
        claims = self._entries.get(kind, {}).get(bare, ())
        claims = [claim for claim in claims if claim.distribution == distribution] if distribution else _hosts(claims)
        if len(claims) == 1:
            return claims[0]
        if claims:
            owners = " and ".join(claim.distribution for claim in claims)
            wanted = " or ".join(repr(f"{claim.distribution}:{bare}") for claim in claims)
            raise VaehubError(f"{kind} {bare!r} is claimed by {owners}; ask for {wanted}")
        raise UnknownName(f"unknown {kind} {name!r}{self._hint(kind, bare)}")

    def opening(self, path: Path) -> Registered:
        """Return the dataset that reads a user's own file or folder.

        Raises:
            VaehubError: If there is none, or several distributions claim its ending.
        """
        entries = [(each, each.entry) for each in self.entries("dataset")]
        openers = [(each, ending) for each, entry in entries if isinstance(entry, Dataset) for ending in entry.opens]
        fitting = [
            (each, ending)
            for each, ending in openers
            if (ending == "/" if path.is_dir() else path.name.lower().endswith(ending))
        ]
        if not fitting:
            endings = ", ".join(sorted({ending for _, ending in openers} - {"/"}))
            raise VaehubError(f"no installed plugin reads {str(path)!r}; a folder of images or {endings} can be read")
        # The longest ending is the most specific.
        longest = max(len(ending) for _, ending in fitting)
        best = _hosts([each for each, ending in fitting if len(ending) == longest])
        if len(best) > 1:
            names = " and ".join(f"{each.distribution}:{each.entry.name}" for each in best)
            raise VaehubError(f"{str(path)!r} can be read by {names}; ask for one by name and set 'data.path'")
        return best[0]

    def find_all(self, name: str) -> list[Registered]:
        """Return the entries of a name in every kind; for ``train``, the settings of trainings come first.

        Raises:
            VaehubError: If there are none.
        """
        distribution, _, bare = name.rpartition(":")
        known = (Registered(TRAIN, "vaehub", __version__), *self.entries())
        found = [each for each in known if each.entry.name == bare and distribution in ("", each.distribution)]
        if not found:
            raise UnknownName(f"unknown name {name!r}{self._hint(None, bare)}")
        return found

    def _hint(self, kind: str | None, name: str) -> str:
        known = list(dict.fromkeys(each.entry.name for each in self.entries(kind)))
        near = " or ".join(repr(each) for each in get_close_matches(name, known, n=2, cutoff=0.5))
        lister = f"'vaehub list {kind}'" if kind else "'vaehub list'"
        return f"; did you mean {near}? {lister} shows all" if near else f"; {lister} shows all"


def _guest(suspects: Sequence[type | Callable[..., object]]) -> type | Callable[..., object] | None:
    """Return the first class or method that is not vaehub's."""
    return next((each for each in suspects if package_of(each.__module__) not in (OURS, HOME)), None)


def _hosts(claims: Sequence[Registered]) -> Sequence[Registered]:
    """Return what vaehub itself claims, if it does, else all: a guest takes no name away."""
    return [claim for claim in claims if claim.distribution == HOME] or claims


def _by_kind(plugins: Sequence[Plugin]) -> Mapping[str, Mapping[str, Sequence[Registered]]]:
    found: dict[str, dict[str, list[Registered]]] = defaultdict(lambda: defaultdict(list))
    for plugin in plugins:
        for entry in plugin.entries:
            found[entry.kind][entry.name].append(Registered(entry, plugin.distribution, plugin.version))
    return found
