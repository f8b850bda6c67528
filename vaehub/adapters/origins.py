"""Where code comes from: an installed library, which its name and version identify, or files of the user's own."""

import hashlib
import json
import sys
import sysconfig
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

LIBRARY_FOLDERS = frozenset({"site-packages", "dist-packages"})
STANDARD = "python"
"""Stands for Python's own library."""
BY_NAME = frozenset({"torch", "vaehub"})
"""Libraries that count without their version: every recipe runs on them, and its provenance has their versions."""
_STANDARD_FOLDERS = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
_OURS = Path(__file__).resolve().parents[1]


def library_of(module: str) -> str | None:
    """Return the library that a module belongs to, with its version, or ``None`` for a module of the user's own."""
    top = module.partition(".")[0]
    if top == "__main__":
        return None
    file = _file(module) or _file(top)
    if file is None:
        return top if top in BY_NAME else STANDARD if top in sys.stdlib_module_names else None
    return _library_at(file)


def library_of_import(module: str) -> str | None:
    """Return the library that a module belongs to which need not be loaded yet, as :func:`library_of` does.

    Raises:
        ImportError: If there is no such module.
    """
    top = module.partition(".")[0]
    if top in sys.modules:
        return library_of(module)
    spec = find_spec(top)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {top!r}")
    return None if spec.origin is None or not spec.has_location else _library_at(spec.origin)


def library_of_code(code: CodeType, module: str) -> str | None:
    """Return the library that code belongs to, as :func:`library_of` does.

    Args:
        code: The code. A decorated function has the name of another's module, but not its file.
        module: Where it runs, for code that was made without a file.
    """
    file = code.co_filename
    if file.startswith("<frozen"):
        return STANDARD
    return library_of(module) if file.startswith("<") else _library_at(file)


def extension_of(module: str) -> str | None:
    """Return the checksum of a module that is compiled, or ``None`` if it is not."""
    file = _file(module)
    return _first_checksum(file) if file is not None and file.endswith(tuple(EXTENSION_SUFFIXES)) else None


@lru_cache(maxsize=4096)
def _first_checksum(file: str) -> str:
    # What a process has loaded stays as it is, whatever becomes of the file.
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file(module: str) -> str | None:
    found = getattr(sys.modules.get(module), "__file__", None)
    return found if isinstance(found, str) else None


@lru_cache(maxsize=4096)
def _library_at(file: str) -> str | None:
    path = Path(file)
    inside = [at for at, part in enumerate(path.parts[:-1]) if part in LIBRARY_FOLDERS]
    if inside:
        return _distribution(path.parts[inside[-1] + 1].partition(".")[0])
    path = path.resolve()
    if path.is_relative_to(_OURS):
        return "vaehub"
    return STANDARD if any(path.is_relative_to(folder) for folder in _STANDARD_FOLDERS) else None


@lru_cache(maxsize=1024)
def _distribution(top: str) -> str | None:
    """Return name and version of the distribution that brings a package; ``None`` if none does.

    One that was installed from a folder is the user's own: its code changes while its version stays.
    """
    if top in BY_NAME:
        return top
    try:
        found = [distribution(top)]
    except PackageNotFoundError:
        found = [distribution(name) for name in sorted(set(packages_distributions().get(top, ())))]
    sources = [json.loads(each.read_text("direct_url.json") or "{}") for each in found]
    if not found or any("dir_info" in source for source in sources):
        return None
    return ", ".join(
        # A local label tells builds of one release apart, such as those for different accelerators.
        " ".join(filter(None, (each.name, each.version.partition("+")[0], source.get("vcs_info", {}).get("commit_id"))))
        for each, source in zip(found, sources, strict=True)
    )
