"""Writes the files of a new distribution from templates."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from vaehub import __version__
from vaehub.core.errors import VaehubError
from vaehub.hub.whole_file import whole_folder

KINDS = ("metric", "model", "dataset", "network", "study", "features", "executor")
"""Kinds that there are templates of, in the order in which a manifest has them."""
NOUNS = {
    "metric": "norm",
    "model": "vae",
    "dataset": "bars",
    "network": "net",
    "study": "study",
    "features": "patches",
    "executor": "processes",
}
"""Last word of the name in the catalog, by kind; the first is that of the package."""
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def write_distribution(name: str, kinds: Sequence[str], folder: Path) -> list[Path]:
    """Write a distribution that installs, passes its own tests, and contributes one thing of each kind.

    Args:
        name: Of the distribution, such as ``acme-vae``; its package is ``acme_vae``.
        kinds: Of :data:`KINDS`.
        folder: Where its folder is made.

    Returns:
        The files, in the order in which they were written.

    Raises:
        VaehubError: If the name or a kind is none, a package of this name is installed, the folder is there already, or
            cannot be made.
        WorkFailed: If writing fails, as on a full disk; nothing is left of it.
    """
    package = _package(name)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise VaehubError(f"there is no kind {unknown[0]!r} to begin a plugin with; there are {', '.join(KINDS)}")
    if not kinds:
        raise VaehubError(f"a plugin contributes something; name kinds, such as {KINDS[0]!r} or {KINDS[1]!r}")
    chosen = [kind for kind in KINDS if kind in kinds]
    values = {
        "distribution": name,
        "package": package,
        "kinds": chosen,
        "named": {kind: f"{package}_{NOUNS[kind]}" for kind in KINDS},
        "version": __version__,
    }
    rendered = {path: _render(template, values) for template, path in _files(package, chosen).items()}
    home = folder / name
    with whole_folder(home, "the files of a plugin") as new:
        for path, text in rendered.items():
            place = new / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    return [home / path for path in rendered]


def _package(name: str) -> str:
    """Return the name of the package of a distribution."""
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(package):
        raise VaehubError(
            f"{name!r} is no name of a plugin; it is lower-case words joined by hyphens, such as 'acme-vae'"
        )
    if package in sys.stdlib_module_names or find_spec(package) is not None:
        raise VaehubError(f"a package {package!r} is installed, and a plugin {name!r} would hide it; take another name")
    return package


def _files(package: str, kinds: Sequence[str]) -> dict[str, str]:
    """Return the path of each file in the distribution, by its template."""
    modules = {f"{kind}.py": f"{package}/{kind}.py" for kind in kinds if kind != "study"}
    study = {"study.toml": f"{package}/study.toml"} if "study" in kinds else {}
    return {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "manifest.py": f"{package}/__init__.py",
        "py.typed": f"{package}/py.typed",
        **modules,
        **study,
        "test_promises.py": "tests/test_promises.py",
        "page.md": f"docs/{package}.md",
    }


def _render(template: str, values: Mapping[str, object]) -> str:
    text = files("vaehub.scaffold").joinpath("templates", f"{template}.j2").read_text(encoding="utf-8")
    # It writes program text, which HTML's escapes would spoil.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    return environment.from_string(text).render(**values)
