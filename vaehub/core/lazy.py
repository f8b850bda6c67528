"""Names of a package that are imported when they are first used."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

_LINE = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)


def lazy_names(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package whose names its stub lists.

    The stub ``__init__.pyi`` beside the file has a line ``from module import name as name`` for each name. Type
    checkers read it, and so does this function: each name is written once. No name may be that of a submodule.

    Args:
        package: ``__name__`` of the package.
        file: Its ``__file__``.
    """
    homes = {name: module for module, name in _LINE.findall(Path(file).with_suffix(".pyi").read_text("utf-8"))}

    def resolve(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return resolve, lambda: sorted(homes), list(homes)
