"""A new plugin: refused cleanly, and whole from its first minute."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaehub import VaehubError
from vaehub.core.errors import WorkFailed
from vaehub.scaffold import KINDS, write_distribution

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("name", "kinds", "words"),
    [
        ("Acme VAE", ["metric"], "'Acme VAE' is no name of a plugin; it is lower-case words joined by hyphens"),
        ("acme--vae", ["metric"], "is no name of a plugin"),
        ("class", ["metric"], "is no name of a plugin"),
        ("torch", ["metric"], "a package 'torch' is installed, and a plugin 'torch' would hide it"),
        ("json", ["metric"], "a package 'json' is installed"),
        ("acme-vae", ["metrics"], "there is no kind 'metrics' to begin a plugin with; there are metric, model"),
        ("acme-vae", [], "a plugin contributes something; name kinds"),
    ],
)
def test_what_cannot_be_begun_is_refused_and_nothing_is_written(tmp_path, name, kinds, words):
    with pytest.raises(VaehubError, match=words):
        write_distribution(name, kinds, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_left_alone(tmp_path):
    (tmp_path / "acme-vae").mkdir()
    (tmp_path / "acme-vae" / "notes").touch()
    with pytest.raises(
        VaehubError, match="cannot be written to '.*acme-vae': it is there already; name another folder"
    ):
        write_distribution("acme-vae", ["metric"], tmp_path)
    assert [path.name for path in (tmp_path / "acme-vae").iterdir()] == ["notes"]


@pytest.mark.parametrize("folder", ["/dev/null", "/proc/self/fdinfo", "nowhere"])
def test_a_folder_that_cannot_be_written_is_a_sentence(folder):
    with pytest.raises(VaehubError, match=f"^the files of a plugin cannot be written to '{folder}/acme-vae': "):
        write_distribution("acme-vae", ["metric"], Path(folder))


def test_a_disk_that_fails_leaves_no_half_of_a_plugin(tmp_path, monkeypatch):
    write = Path.write_text

    def full(path, *given, **named):
        if path.name == "README.md":
            raise OSError(28, "No space left on device")
        return write(path, *given, **named)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(WorkFailed, match="No space left on device"):
        write_distribution("acme-vae", ["metric"], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone_has_its_module_its_test_and_its_page(tmp_path, kind):
    files = {
        str(path.relative_to(tmp_path)): path.read_text() for path in write_distribution("one-kind", [kind], tmp_path)
    }
    own = "study.toml" if kind == "study" else f"{kind}.py"
    assert f"one-kind/one_kind/{own}" in files
    assert f"check_{kind}(" in files["one-kind/tests/test_promises.py"]
    assert "vaehub plugin check one_kind" in files["one-kind/docs/one_kind.md"]
    for path, text in files.items():
        if path.endswith(".py"):
            compile(text, path, "exec")
        assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.slow
def test_a_plugin_of_every_kind_installs_is_typed_passes_its_tests_and_keeps_its_promises(tmp_path):
    pytest.importorskip("mypy")
    write_distribution("acme-new", KINDS, tmp_path)
    home, site = tmp_path / "acme-new", tmp_path / "site"
    environment = os.environ | {"PYTHONPATH": str(site)}

    def ran(*command, **more):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=home, env=environment | more, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    offline = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    ran("-m", "pip", "install", *offline, ".")
    vaehub = ("-c", "from vaehub.cli.main import main; main()")
    listed = {(each["kind"], each["name"]) for each in json.loads(ran(*vaehub, "list", "--json"))}
    assert {kind for kind, name in listed if name.startswith("acme_new_")} == set(KINDS)
    assert "passed" in ran("-m", "pytest", "-q", "-p", "no:cacheprovider")
    checked = json.loads(ran(*vaehub, "plugin", "check", "acme-new", "--json"))
    assert len(checked) == 1 + len(KINDS)
    assert all(each["broken"] == [] and each["unchecked"] == "" for each in checked)
    typed = ("--strict", "--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache"))
    assert ran("-m", "mypy", *typed, MYPYPATH=f"{ROOT}:{home}").startswith("Success: no issues found")
