"""Promises that were not kept, as sentences, and what is checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from vaehub.core.errors import VaehubError, first_line
from vaehub.registry.catalog import Catalog, Registered
from vaehub.registry.places import package_of, place_of, place_of_error

if TYPE_CHECKING:
    from vaehub.core.params import Params

T = TypeVar("T")


class PromiseBroken(AssertionError):  # noqa: N818 the plugin's promise
    """A plugin does not keep what plugins promise.

    Attributes:
        sentences: One for each promise, with file and line of the plugin.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = tuple(sentences)


class NotChecked(Exception):  # noqa: N818 no fault of the plugin
    """What a check would need is not here, such as a dataset's files; the message says what."""


class StopChecking(Exception):  # noqa: N818 a failure was noted, without which nothing further makes sense
    """A promise is broken on which the others rest."""


@dataclass
class Item:
    """An entry of the catalog that is checked, and the sentences about it.

    Attributes:
        registered: The entry.
        catalog: Where it was found.
        sentences: Promises that are not kept.
    """

    registered: Registered
    catalog: Catalog
    sentences: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name in sentences."""
        return self.registered.title

    @property
    def whole_name(self) -> str:
        """Its name with its distribution, which nobody else can claim."""
        return f"{self.registered.distribution}:{self.registered.entry.name}"

    def broken(self, what: str, at: type | Callable[..., object] | None = None) -> None:
        """Note a promise that is not kept.

        Args:
            what: The end of a sentence about the item.
            at: The class or method that it is about.
        """
        sentence = f"{self.title} {what}{place_of(at) if at is not None else ''}"
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def raised(self, what: str, error: BaseException, at: type | Callable[..., object] | None = None) -> None:
        """Note an exception of the plugin.

        Args:
            what: What failed, the end of a sentence about the item.
            error: The exception.
            at: Class or method that it is about, if it passed through no line of the plugin; the class, if not given.
        """
        place = place_of_error(error, [package_of(self.registered.entry.target)])
        if not place and (thing := at or self._class) is not None:
            place = place_of(thing)
        said = str(error) if isinstance(error, VaehubError) else f"{type(error).__name__}: {first_line(error)}"
        self.broken(f"{what}: {said}{'' if place and place in said else place}")

    @property
    def _class(self) -> type | None:
        """The entry's class, once it has been imported."""
        module, _, name = self.registered.entry.target.partition(":")
        found = getattr(sys.modules.get(module), name, None)
        return found if isinstance(found, type) else None

    def attempt(self, what: str, work: Callable[[], T]) -> T:
        """Return what a plugin's code gives.

        Args:
            what: What fails if it raises, the end of a sentence.
            work: Calls it.

        Raises:
            StopChecking: If it raises, once that is noted.
        """
        try:
            return work()
        except (KeyboardInterrupt, NotChecked, StopChecking):
            raise
        # A stranger's code runs here, and what it raises need be no Exception.
        except BaseException as error:
            self.raised(what, error)
            raise StopChecking from error

    def params(self, settings: dict[str, object] | None = None) -> Params:
        """Return validated parameters of the entry.

        Raises:
            NotChecked: If one without default is not given.
            VaehubError: If those given do not fit.
            StopChecking: If the class cannot be loaded.
        """
        from vaehub.core.params import parse

        kind = self.attempt("has parameters that cannot be loaded", self.registered.load_params)
        missing = [
            name for name, each in kind.model_fields.items() if each.is_required() and name not in (settings or {})
        ]
        if missing:
            raise NotChecked(f"{self.title} has no default for {', '.join(map(repr, missing))}; give settings={{…}}")
        try:
            return parse(kind, settings or {}, owner=self.title)
        except VaehubError as error:
            if not settings:
                raise NotChecked(f"{error}; give settings={{…}}") from error
            raise
