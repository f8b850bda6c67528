"""What a manifest promises: it is read by every command, and costs nothing."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile

from vaehub.core.errors import VaehubError
from vaehub.registry.catalog import Catalog
from vaehub.registry.discovery import Plugin
from vaehub.registry.entries import Entry, Metric
from vaehub.testing.failures import Item, StopChecking
from vaehub.testing.guards import class_of

HEAVY = ("torch", "scipy", "duckdb", "h5py", "sklearn", "pyarrow", "pandas", "matplotlib")
"""What a manifest must not import, since every command reads it."""
_PROBE = """
import json, sys
from importlib import import_module
heavy, modules, sys.path[:] = json.loads(sys.argv[1])
answer = open(sys.argv[2], "w")
found = {}
for module in modules:
    before = {name for name in heavy if name in sys.modules}
    import_module(module)
    found[module] = [name for name in heavy if name in sys.modules and name not in before]
answer.write(json.dumps(found))
"""


def plugins_named(name: str, catalog: Catalog) -> list[Plugin]:
    """Return the plugins of an entry point or of a distribution.

    Raises:
        VaehubError: If there is none.
    """
    found = [each for each in catalog.plugins if each.name == name]
    found = found or [each for each in catalog.plugins if each.distribution == name]
    if not found:
        known = [each for plugin in catalog.plugins for each in (plugin.name, plugin.distribution)]
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        raise VaehubError(f"there is no installed plugin {name!r}{hint} 'vaehub plugin list' shows all")
    return found


def check(name: str, catalog: Catalog, distribution: str | None = None) -> list[str]:
    """Return the promises of a plugin's manifests that are not kept.

    Raises:
        VaehubError: If there is no such plugin.
    """
    found = plugins_named(name, catalog)
    chosen = [each for each in found if distribution in (None, each.distribution)]
    return [sentence for plugin in chosen for sentence in _check_one(plugin, catalog)]


def heavy_imports(modules: Sequence[str]) -> dict[str, list[str]]:
    """Return the heavy packages that each module imports, in a fresh process that imports one after the other."""
    asked = json.dumps([HEAVY, list(modules), sys.path])
    # Modules may print whatever they like, also when the process ends.
    with NamedTemporaryFile("r") as answer:
        command = [sys.executable, "-c", _PROBE, asked, answer.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 our own
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise VaehubError(f"{', '.join(modules)} cannot be imported in a fresh process: {''.join(last)}")
        found: dict[str, list[str]] = json.load(answer)
    return found


def _check_one(plugin: Plugin, catalog: Catalog) -> list[str]:
    title = f"plugin {plugin.name!r}"
    if plugin.failure is not None:
        return [f"{title} was not loaded: {plugin.failure}"]
    module = plugin.module.partition(":")[0]
    heavy = heavy_imports([module])[module]
    found = [
        f"{title} imports {name} in its manifest, which every command reads{_line(module, name)}" for name in heavy
    ]
    for entry in plugin.entries:
        item = Item(catalog.find(entry.kind, f"{plugin.distribution}:{entry.name}"), catalog)
        with suppress(StopChecking):  # noted
            _check_entry(item, entry, module)
        found += item.sentences
    return found


def _check_entry(item: Item, entry: Entry, module: str) -> None:
    place = _line(module, entry.name)
    if "\n" in entry.summary or entry.summary.rstrip().endswith("."):
        item.broken(f"has the summary {entry.summary!r}, and a summary is one phrase without a full stop{place}")
    if entry.has_params:
        kind: type = class_of(item, _contract(entry))
        params = item.attempt("has parameters that cannot be loaded", item.registered.load_params)
        own = getattr(kind, "Params", None)
        if own is not params:
            item.broken(f"has its parameters at {entry.params!r}, as the manifest says, and the class has others", kind)
        if not (inspect.getdoc(kind) or inspect.getdoc(sys.modules[kind.__module__])):
            item.broken("has no docstring, neither of the class nor of its module", kind)
        item.attempt("has a card that cannot be loaded", item.registered.load_card)
    else:
        item.attempt("names a file that cannot be read", item.registered.read)


def _contract(entry: Entry) -> type:
    """Return the class that a kind's entries derive from."""
    from vaehub.core.data.source import DataSource
    from vaehub.core.model import LatentModel
    from vaehub.core.network import Network
    from vaehub.executors.executor import Executor
    from vaehub.features.extractor import FeatureExtractor
    from vaehub.hub.subjects import KINDS as SUBJECTS

    if isinstance(entry, Metric):
        return SUBJECTS[entry.subject].contract()
    contracts: dict[str, type] = {
        "model": LatentModel,
        "network": Network,
        "dataset": DataSource,
        "features": FeatureExtractor,
        "executor": Executor,
    }
    return contracts[entry.kind]


def _line(module: str, text: str) -> str:
    """Return the line of a manifest that names or imports something, to end a sentence with."""
    file = getattr(import_module(module), "__file__", None)
    if file is None:
        return ""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        names = (
            [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            if isinstance(node, ast.Import | ast.ImportFrom)
            else [node.value]
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            else []
        )
        if any(name == text or name.startswith(f"{text}.") for name in names):
            line = getattr(node, "lineno", 0)
            folder = module.replace(".", "/") if Path(file).name == "__init__.py" else module.rpartition(".")[0]
            return f" ({f'{folder}/' if folder else ''}{Path(file).name}, line {line})"
    return ""
