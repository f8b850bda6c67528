"""Strangers' plugins: real distributions, really installed, written from the README alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studies import small_study

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("alone")]

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
CLUSTER = HERE.parent / "docs" / "cluster.md"
ACME, BROKEN, CLIP = (HERE / "thirdparty" / name for name in ("acme", "broken", "clip"))
COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]
QUICK = ["--set", "train.epochs=2", "--set", "model.latent_dim=3"]


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=200)


def vaehub(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=200, check=False)


def plugins():
    return {each["name"]: each for each in json.loads(vaehub("plugin", "list", "--json").stdout)}


def install(source, name, folder):
    """Install a distribution into this environment; nothing is downloaded, and nothing is built beside the source."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    pip("install", "--no-deps", "--no-index", "--find-links", str(folder), name)


@pytest.fixture
def installed(request, tmp_path, alone):
    source, name = request.param
    install(source, name, tmp_path)
    yield
    pip("uninstall", "--yes", name)


@pytest.mark.parametrize("installed", [(ACME, "acme-vae")], indirect=True)
def test_a_stranger_brings_a_model_a_dataset_and_a_metric(installed):
    assert plugins()["acme"]["contributes"] == [
        "model sparse_vae",
        "dataset stripes",
        "metric code_norm",
        "features patches",
        "executor processes",
    ]
    listed = {(each["kind"], each["name"]) for each in json.loads(vaehub("list", "--json").stdout)}
    assert {("model", "sparse_vae"), ("dataset", "stripes"), ("metric", "code_norm")} <= listed
    assert "weight of the L1 penalty" in vaehub("describe", "sparse_vae").stdout

    done = vaehub("run", "--model", "sparse_vae", "--dataset", "stripes", "--metric", "code_norm", "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert len(found["vectors"]["size"]["values"]) == 3
    assert found["training"]["recipe"]["model"]["distribution"] == "acme-vae"

    # What is built in works on it, and its own works on what is built in.
    for model, metric in (("sparse_vae", "relevance"), ("sparse_vae", "elbo"), ("ard", "code_norm")):
        mixed = vaehub("run", "--model", model, "--metric", metric, *QUICK)
        assert mixed.returncode == 0, mixed.stderr
    provenance = vaehub("sql", "select plugins from provenance limit 1").stdout
    assert '"acme-vae":"1.2.0"' in provenance.replace(" ", "")


@pytest.mark.parametrize("installed", [(ACME, "acme-vae")], indirect=True)
def test_a_stranger_brings_features_that_samples_are_compared_by(installed):
    assert "patches" in vaehub("list", "features").stdout
    assert "patches on each side" in vaehub("describe", "patches").stdout

    def asked(features, *more):
        named = ("--metric", "frechet_distance", "--set", f"metric.features={features}", *more)
        return vaehub("run", "--model", "vae", *named, "--json", *QUICK)

    for more, n_features in ((), 4), (("--set", "metric.options={side = 3}"), 9):
        done = asked("patches", *more)
        assert done.returncode == 0, done.stderr
        [found] = json.loads(done.stdout)
        assert found["tables"]["features"]["columns"]["n_features"] == [n_features]
        assert found["scalars"]["frechet_distance"] > 0
    by_patches = vaehub("sql", "select distinct params ->> 'features' from results where value is not null").stdout
    assert "acme-vae:patches" in by_patches

    unknown = asked("patchs")
    assert unknown.returncode == 2
    assert "unknown features 'patchs'; did you mean 'patches'?" in unknown.stderr
    wrong = asked("patches", "--set", "metric.options={side = 0}")
    assert wrong.returncode == 2
    assert "'side' is 0 and should be greater than 0" in wrong.stderr


WEIGHTS = """
import torch
from clip_like.extractor import Vision
from safetensors.torch import save_file
torch.manual_seed(0)
save_file(Vision(16).state_dict(), "clip.safetensors")
from vaehub.testing import check_features
check_features("clip_like", settings={"weights": "clip.safetensors"})
"""


@pytest.mark.parametrize("installed", [(CLIP, "clip-like")], indirect=True)
def test_a_stranger_brings_an_encoder_of_images_with_a_file_of_weights(installed):
    done = subprocess.run([sys.executable, "-c", WEIGHTS], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    asked = ("run", "--model", "vae", "--metric", "frechet_distance", "--set", "metric.features=clip_like", *QUICK)
    found = vaehub(*asked, "--set", "metric.weights=clip.safetensors", "--json")
    assert found.returncode == 0, found.stderr
    [measured] = json.loads(found.stdout)
    assert measured["tables"]["features"]["columns"]["n_features"] == [16]
    stored = vaehub(
        "sql", "select distinct params ->> 'content' as content from measurements", "--format", "csv"
    ).stdout
    assert stored.splitlines()[1].startswith("sha256:")
    missing = vaehub(*asked)
    assert missing.returncode == 2
    assert "'clip_like' needs its weights; set '-s metric.weights=FILE'" in missing.stderr


@pytest.mark.parametrize("installed", [(ACME, "acme-vae")], indirect=True)
def test_what_a_stranger_brings_keeps_what_plugins_promise(installed):
    checked = json.loads(vaehub("plugin", "check", "acme-vae", "--json").stdout)
    assert [each["title"].split()[0] for each in checked] == [
        *("manifest", "model", "dataset", "metric", "features", "executor")
    ]
    assert all(each["broken"] == [] and each["unchecked"] == "" for each in checked), checked


@pytest.mark.parametrize("installed", [(ACME, "acme-vae")], indirect=True)
def test_a_stranger_brings_an_executor_that_does_what_the_own_workers_do(installed, tmp_path):
    (tmp_path / "small.toml").write_text(small_study())
    rows = "select seed, latent_dim, name, value from results order by all"
    for store, more in ("ours", ()), ("theirs", ("--executor", "processes", "--set", "executor.size=1")):
        done = vaehub("study", "run", "./small.toml", "--store", store, "--jobs", "1", *more)
        assert "4 of 4 measurements done, 0 failed, 0 left" in done.stdout, done.stderr
    ours, theirs = (vaehub("sql", rows, "--store", store, "--format", "csv").stdout for store in ("ours", "theirs"))
    assert ours == theirs
    assert vaehub("verify", "--store", "theirs").returncode == 0

    wrong = vaehub("study", "run", "./small.toml", "--executor", "processes", "--set", "executor.size=0")
    assert wrong.returncode == 2
    assert "executor 'processes'" in wrong.stderr
    assert "'size' is 0 and should be greater than 0" in wrong.stderr


@pytest.mark.parametrize("installed", [(ACME, "acme-vae")], indirect=True)
def test_what_a_stranger_gets_wrong_from_the_user_is_answered_like_ours(installed):
    wrong = vaehub("run", "--model", "sparse_vae", "--metric", "code_norm", "--set", "model.penalty=-1")
    assert wrong.returncode == 2
    assert "model 'sparse_vae'" in wrong.stderr
    assert "'penalty' is -1" in wrong.stderr


def test_an_uninstalled_plugin_is_gone_and_its_results_stay(tmp_path):
    install(ACME, "acme-vae", tmp_path)
    try:
        vaehub("run", "--model", "sparse_vae", "--metric", "code_norm", *QUICK)
    finally:
        pip("uninstall", "--yes", "acme-vae")
    assert "acme" not in plugins()
    gone = vaehub("run", "--model", "sparse_vae", "--metric", "code_norm", *QUICK)
    assert gone.returncode == 2
    assert "unknown metric 'code_norm'" in gone.stderr
    assert "sparse_vae" in vaehub("sql", "select distinct model from results").stdout


@pytest.mark.parametrize("installed", [(BROKEN, "broken-vae")], indirect=True)
def test_a_plugin_that_cannot_be_imported_breaks_nothing_else(installed):
    found = plugins()
    assert found["broken"]["failure"] == "No module named 'a_package_that_nobody_has' (broken_vae.py, line 3)"
    assert found["ard"]["failure"] is None
    listed = vaehub("list")
    assert listed.returncode == 0
    assert "relevance" in listed.stdout
    [warning] = listed.stderr.splitlines()
    assert "plugin 'broken' of broken-vae was not loaded: No module named" in warning
    assert "Traceback" in vaehub("--debug", "plugin", "list").stdout
    done = vaehub("run", "--model", "vae", "--metric", "elbo", *QUICK)
    assert done.returncode == 0, done.stderr


def readme_blocks(language, page=README):
    return re.findall(rf"```(?:{language})\n(.*?)```", page.read_text(), flags=re.S)


def test_the_readme_shows_the_plugin_that_is_tested_here():
    files = [
        "pyproject.toml",
        "acme/__init__.py",
        "acme/metric.py",
        "acme/data.py",
        "acme/model.py",
        "acme/features.py",
    ]
    blocks = readme_blocks("toml|python")
    for file in files:
        assert (ACME / file).read_text() in blocks, f"{file} is not in the README as it is tested"
    assert (ACME / "acme" / "executor.py").read_text() in readme_blocks("python", CLUSTER)


def test_the_readme_s_plugin_is_typed(tmp_path):
    pytest.importorskip("mypy")
    for at, source in enumerate(readme_blocks("python")[-4:]):
        name = ("__init__", "metric", "data", "model")[at]
        (tmp_path / "acme").mkdir(exist_ok=True)
        (tmp_path / "acme" / f"{name}.py").write_text(source)
    # Errors in vaehub itself are for its own check to find.
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--cache-dir", "cache", "acme"]
    environment = os.environ | {"MYPYPATH": str(HERE.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "Success: no issues found in 4 source files\n"


def test_a_stranger_uses_public_names_only():
    for file in ACME.rglob("*.py"):
        assert "vaehub.core" not in file.read_text()
        assert "vaehub.hub" not in file.read_text()
