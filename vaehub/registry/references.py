"""References: BibTeX of what entries of the catalog name as their source.

A plugin brings them in a file ``references.bib`` beside its manifest, or in a package around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from vaehub import __version__
from vaehub.registry.discovery import Plugin

FILE = "references.bib"
YEAR = 2026
"""In which this version of vaehub was released."""

_ENTRY = re.compile(r"^@\w+\{(?P<key>[^,\s]+),.*?^\}", re.MULTILINE | re.DOTALL)
_FIELD = r"^\s*{}\s*=\s*[{{\"]?(.*?)[}}\"]?,?\s*$"


@dataclass(frozen=True)
class Reference:
    """An entry of BibTeX.

    Attributes:
        key: Its key.
        text: The whole entry.
        labels: How a source can name it: ``Kim & Mnih 2018``, ``Higgins et al. 2017``, or all authors by name.
    """

    key: str
    text: str
    labels: tuple[str, ...]

    def is_named_in(self, source: str) -> bool:
        """Return whether a source, such as ``Kim & Mnih 2018, Eq. 2; Spearman 1904``, names it."""
        return any(re.search(rf"(?<!& )(?<!\w){re.escape(label)}(?!\w)", source) for label in self.labels)


def of_vaehub() -> Reference:
    """Return vaehub itself, in the version that is installed."""
    text = f"""@software{{vaehub,
  author = {{{{The vaehub developers}}}},
  title = {{vaehub: latent-space analyses of variational autoencoders}},
  year = {{{YEAR}}},
  version = {{{__version__}}},
}}"""
    return Reference("vaehub", text, ())


def references(plugins: Iterable[Plugin]) -> list[Reference]:
    """Return what installed plugins bring, each key once."""
    found: dict[str, Reference] = {}
    for package in dict.fromkeys(package for plugin in plugins for package in _packages(plugin.module)):
        for each in _parsed(_read(package)):
            found.setdefault(each.key, each)
    return list(found.values())


def named(known: Sequence[Reference], sources: Iterable[str]) -> tuple[list[Reference], list[str]]:
    """Return the references that sources name, in the order of their keys, and the sources that name none of them."""
    asked = sorted({source for source in sources if source})
    chosen = {each.key: each for source in asked for each in known if each.is_named_in(source)}
    missing = [source for source in asked if not any(each.is_named_in(source) for each in known)]
    return [chosen[key] for key in sorted(chosen)], missing


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _read(package: str) -> str:
    try:
        return files(package).joinpath(FILE).read_text(encoding="utf-8")
    except (OSError, ImportError, TypeError):  # there is none, or the manifest is a module and no package
        return ""


def _parsed(text: str) -> list[Reference]:
    found = []
    for match in _ENTRY.finditer(text):
        author, year = (re.search(_FIELD.format(name), match[0], re.MULTILINE) for name in ("author", "year"))
        names = [name.partition(",")[0].strip() for name in re.split(r"\s+and\s+", author[1])] if author else []
        found.append(Reference(match["key"], match[0], _labels(names, year[1]) if year else ()))
    return found


def _labels(names: Sequence[str], year: str) -> tuple[str, ...]:
    if len(names) < 2:
        return tuple(f"{name} {year}" for name in names)
    everybody = f"{', '.join(names[:-1])} & {names[-1]} {year}"
    return (everybody, f"{names[0]} et al. {year}") if len(names) > 2 else (everybody,)
