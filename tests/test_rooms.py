"""Which room may know which: what import-linter cannot say, for every plugin that is installed."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import vaehub

ROOT = Path(vaehub.__file__).parent
ROOMS = ("", ".registry", ".registry.run_names", ".files", ".features", ".executors", ".analysis", ".adapters")
PUBLIC = {f"vaehub{room}" for room in ROOMS}
"""What a plugin may import, ours as a stranger's."""


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def plugins() -> dict[str, list[Path]]:
    """Return the files of each built-in plugin, by the name of its package."""
    homes = [point.value for point in entry_points(group="vaehub") if point.value.startswith("vaehub.plugins.")]
    return {home: sorted((ROOT.parent / home.replace(".", "/")).rglob("*.py")) for home in homes}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def foreign_imports() -> Iterator[tuple[str, Path, str]]:
    """Yield what plugins import of ours beyond themselves and the public API."""
    for home, files in plugins().items():
        for path in files:
            for module in imports_of(path):
                if within(module, "vaehub") and module not in PUBLIC and not within(module, home):
                    yield home, path, module


def test_every_folder_of_plugins_is_an_entry_point():
    installed = {path for files in plugins().values() for path in files}
    shelves = {
        ROOT / "plugins" / shelf / "__init__.py"
        for shelf in ("", "datasets", "executors", "models", "networks", "trackers")
    }
    assert set((ROOT / "plugins").rglob("*.py")) - installed == shelves


def test_a_plugin_imports_the_public_names_and_kernels_of_others_and_nothing_else():
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for _, path, module in foreign_imports()
        if not any(within(module, f"{other}.kernels") for other in plugins())
    }
    assert wrong == set()


def test_kernels_of_plugins_need_each_other_in_no_circle():
    needs: dict[str, set[str]] = {home: set() for home in plugins()}
    for home, _, module in foreign_imports():
        needs[home] |= {other for other in needs if within(module, f"{other}.kernels")}
    list(TopologicalSorter(needs).static_order())  # raises if there is one


def test_modules_import_each_other_in_no_circle():
    modules = {module_of(path): path for path in ROOT.rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {node.module for node in top if isinstance(node, ast.ImportFrom) and node.module}
        # ``from package import module`` needs the module too.
        names |= {
            f"{node.module}.{alias.name}" for node in top if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        # A package's own start imports its modules, which is the order in which Python loads them.
        graph[name] = {each for each in names if each in modules and each != name and not within(name, each)}
    list(TopologicalSorter(graph).static_order())


def test_only_the_store_knows_the_database():
    users = {path.relative_to(ROOT).parts[0] for path in ROOT.rglob("*.py") if "duckdb" in imports_of(path)}
    assert users == {"store"}


def test_benchmarks_import_what_there_is():
    missing = set()
    for path in sorted((ROOT.parent / "benchmarks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and within(node.module or "", "vaehub"):
                name, module = str(node.module), import_module(str(node.module))
                missing |= {
                    f"{path.name}: {alias.name}"
                    for alias in node.names
                    if not hasattr(module, alias.name) and find_spec(f"{name}.{alias.name}") is None
                }
    assert missing == set()


def test_public_names_are_few_and_all_there():
    assert len(vaehub.__all__) < 60
    for room in sorted(PUBLIC - {"vaehub.registry"}):
        package = __import__(room, fromlist=["_"])
        assert all(getattr(package, name) is not None for name in package.__all__)
