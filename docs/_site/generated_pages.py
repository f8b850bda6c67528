"""Parts of pages that are made from the code: the catalog with its parameters, and the API.

In the source of a page, a line ``% catalog: metric`` becomes a section for each built-in metric, ``% kernels`` one for
each module of kernels with its functions, ``% api: vaehub.files`` the documentation of each public name of a module,
and ``% tutorials`` a list of the notebooks.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from vaehub.registry.catalog import Catalog, Registered
from vaehub.registry.documentation import document
from vaehub.registry.entries import TRAIN

DOCS = Path(__file__).parents[1]
PACKAGE = DOCS.parent / "vaehub"
# Classes of other packages, whose members their own pages describe.
FOREIGN = "ABC, BaseModel, Generic, Module, Sequence, tuple"
MARKER = re.compile(r"^% (catalog|api|kernels|tutorials)(?:: (.+))?$", flags=re.M)


def filled(page: str) -> str:
    """Return the source of a page with its generated parts in their places."""
    parts = {"catalog": catalog, "api": public_names, "kernels": kernels, "tutorials": tutorials}
    return MARKER.sub(lambda found: parts[found[1]](*(found[2] or "").split()), page)


def has_generated_parts(page: Path) -> bool:
    """Return whether a page has parts that are made from the code."""
    return page.suffix == ".md" and MARKER.search(page.read_text(encoding="utf-8")) is not None


def catalog(kind: str) -> str:
    """Return a section for each entry of a kind, or for the settings of trainings."""
    entries = [Registered(TRAIN, "vaehub", "")] if kind == "train" else Catalog().entries(kind)
    return "\n".join(_entry(each) for each in entries if each.distribution == "vaehub")


def _entry(registered: Registered) -> str:
    entry = registered.entry
    lines = [f"## {entry.name}", "", f"{_text(entry.summary[:1].upper() + entry.summary[1:])}."]
    lines += ["", f"*{_text(entry.source)}*"] if entry.source else []
    params = document(registered.load_params()) if entry.has_params else []
    if params:
        lines += ["", "| parameter | default | values | |", "| --- | --- | --- | --- |"]
    for each in params:
        default = "*required*" if each.required else "none" if each.default is None else f"`{each.default}`"
        values = ", ".join(_text(part) for part in (each.type, each.limits) if part)
        lines.append(f"| `{each.name}` | {default} | {values} | {_text(each.description)} |")
    return "\n".join([*lines, ""])


def _text(words: str) -> str:
    """Return words that Markdown shows as they are."""
    return re.sub(r"([\\`*_|<>\[\]$])", r"\\\1", words)


def public_names(module: str, *names: str) -> str:
    """Return the documentation of public names of a module: of those given, or of all, in alphabetical order."""
    found = import_module(module)
    chosen = names or sorted(found.__all__, key=str.lower)
    return _directives("\n\n".join(_documented(found, name) for name in chosen))


def _documented(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    full = f"{module.__name__}.{name}"
    if inspect.isclass(value) and issubclass(value, Exception):
        return f".. autoexception:: {full}\n   :show-inheritance:"
    if inspect.isclass(value):
        fields = "\n   :undoc-members:\n   :exclude-members: model_config" if issubclass(value, BaseModel) else ""
        return f".. autoclass:: {full}\n   :members:\n   :inherited-members: {FOREIGN}{fields}"
    return f".. autofunction:: {full}" if callable(value) else f".. autodata:: {full}\n   :no-value:"


def kernels() -> str:
    """Return the documentation of all kernels, a section for each module."""
    modules = sorted(path.relative_to(PACKAGE.parent) for path in PACKAGE.glob("plugins/**/kernels.py"))
    names = [".".join(path.with_suffix("").parts) for path in modules]
    return "\n".join(
        f"## {name.split('.')[-2]}\n\n" + _directives(f".. automodule:: {name}\n   :members:\n") for name in names
    )


def tutorials() -> str:
    """Return the list of tutorials: nothing where there are none, as Sphinx warns of an empty one."""
    names = sorted(path.stem for path in (DOCS / "tutorials").glob("*.ipynb"))
    return "\n".join(["```{toctree}", *(f"tutorials/{name}" for name in names), "```"]) if names else ""


def _directives(text: str) -> str:
    return f"```{{eval-rst}}\n{text}\n```\n"
