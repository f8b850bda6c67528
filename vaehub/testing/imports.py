"""Which modules a plugin imports as it works: what these change of a process is not the plugin's doing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def around_imports(own: str, before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """Call something before and after each first import of another package's module, inside the context.

    Libraries set variables of the environment and draw random names when they are first imported, as scikit-learn does;
    whether that happens in the middle of a plugin's work depends on what was imported before.

    Args:
        own: The plugin's package, whose modules are its own doing.
        before: Called before a module is executed that no other of these imports.
        after: Called when that is done.
    """
    finder = _Finder(own, before, after)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(self, own: str, before: Callable[[], None], after: Callable[[], None]) -> None:
        self.own = own
        self.before = before
        self.after = after
        self.depth = 0

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return what the other finders say, with a loader that tells of its work."""
        if name == self.own or name.startswith(f"{self.own}."):
            return None
        for finder in sys.meta_path:
            search = None if finder is self else getattr(finder, "find_spec", None)
            found: ModuleSpec | None = search and search(name, path, target)
            if found is not None:
                if found.loader is not None:
                    found.loader = _Telling(found.loader, self)
                return found
        return None


class _Telling(Loader):
    """Executes a module by its own loader, which the module gets back before: some ask it for files."""

    def __init__(self, loader: Loader, finder: _Finder) -> None:
        self.loader = loader
        self.finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return the module as its own loader makes it."""
        spec.loader = self.loader
        try:
            return self.loader.create_module(spec)
        finally:
            spec.loader = self

    def exec_module(self, module: ModuleType) -> None:
        """Execute it, and tell of it if no other import is under way."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        finder = self.finder
        if not finder.depth:
            finder.before()
        finder.depth += 1
        try:
            self.loader.exec_module(module)
        finally:
            finder.depth -= 1
            if not finder.depth:
                finder.after()
