"""Which code counts by the version of its package, and which by what it does."""

import importlib
import json
import shutil
import sys
import types
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from torch import nn

from vaehub.adapters import module_identity, origins

CODE = """
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x + 1
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package, and returns the identity of its module."""
    site = tmp_path / "site-packages"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(version="1.0", code=CODE, source=None):
        forget()
        shutil.rmtree(site)
        folder = site / f"origins_of_code-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: origins-of-code\nVersion: {version}\n")
        (folder / "top_level.txt").write_text("origins_of_code\n")
        if source is not None:
            (folder / "direct_url.json").write_text(json.dumps({"url": "file:///anywhere", **source}))
        (site / "origins_of_code").mkdir()
        (site / "origins_of_code" / "__init__.py").write_text(code)
        importlib.invalidate_caches()
        return module_identity(importlib.import_module("origins_of_code").Net())

    def forget():
        sys.modules.pop("origins_of_code", None)
        origins._distribution.cache_clear()
        origins._library_at.cache_clear()

    yield install
    forget()


def test_a_library_counts_by_its_release(installed):
    first = installed()
    assert installed(code=CODE.replace("x + 1", "x + 2")) == first
    assert installed("1.0+cpu") == first
    assert installed("1.1") != first


def test_a_package_installed_from_a_folder_counts_by_its_code(installed):
    source = {"dir_info": {"editable": False}}
    first = installed(source=source)
    assert installed("1.1", source=source) == first
    assert installed(code=CODE.replace("x + 1", "x + 2"), source=source) != first


def test_a_package_installed_from_a_repository_counts_by_its_commit(installed):
    one, other = (installed(source={"vcs_info": {"vcs": "git", "commit_id": each}}) for each in ("1a", "2b"))
    assert one != other
    assert installed(source={"vcs_info": {"vcs": "git", "commit_id": "1a"}}) == one


def test_a_compiled_module_of_ones_own_counts_by_what_its_file_holds(tmp_path, monkeypatch):
    def identity(name, content):
        path = tmp_path / f"{name}{EXTENSION_SUFFIXES[0]}"
        path.write_bytes(content)
        module = types.ModuleType("own_operations")
        module.__file__, module.act = str(path), None
        monkeypatch.setitem(sys.modules, "own_operations", module)
        names = {"operations": module, "nn": nn}
        exec("class Net(nn.Module):\n    def forward(self, x):\n        return operations.act(x)", names)
        return module_identity(names["Net"]())

    assert identity("a", b"one") == identity("b", b"one") != identity("c", b"two")


def test_torch_and_python_count_without_a_version():
    assert origins.library_of("torch.nn.functional") == "torch"
    assert origins.library_of("math") == "python"
    assert origins.library_of("numpy").startswith("numpy ")
    assert origins.library_of(__name__) is None
