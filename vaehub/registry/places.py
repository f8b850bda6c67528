"""Where in a plugin's own files something is or went wrong, in words that are the same on every machine."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

OURS = "vaehub.plugins"
"""The package of the plugins that come with vaehub."""


def package_of(target: str) -> str:
    """Return the package of a plugin by the import string of one of its modules or classes."""
    module = target.partition(":")[0]
    return OURS if module == OURS or module.startswith(f"{OURS}.") else module.partition(".")[0]


def place_of_error(error: BaseException, packages: Collection[str]) -> str:
    """Return the innermost line of some packages that an error passed through: `` (acme/metric.py, line 12)``.

    Args:
        error: As it was caught.
        packages: Packages of plugins, as :func:`package_of` gives them.

    Returns:
        The place, to end a sentence with; empty if the error passed through none of them.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if any(_is_of(module, package) for package in packages):
            found = f" ({_file(module, frame.f_code.co_filename)}, line {line})"
    return found


def is_raised_in(error: BaseException, package: str) -> bool:
    """Return whether the line that raised an error is one of a package, as :func:`package_of` gives it."""
    innermost = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
    return any(_is_of(frame.f_globals.get("__name__", ""), package) for frame in innermost)


def place_of(thing: type | Callable[..., object]) -> str:
    """Return where a class or a function is written, as :func:`place_of_error` does; empty if that is unknown."""
    plain = inspect.unwrap(thing)
    try:
        file, line = inspect.getsourcefile(plain), inspect.getsourcelines(plain)[1]
    except (OSError, TypeError):
        return ""
    return f" ({_file(plain.__module__, file or '')}, line {line})"


def _is_of(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _file(module: str, filename: str) -> str:
    """Return the path of a module's file from the folder that its package is in."""
    name = Path(filename).name
    folders = module.split(".") if name == "__init__.py" else module.split(".")[:-1]
    return "/".join([*folders, name])
