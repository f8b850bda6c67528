"""Standard output holds the answer alone, whatever plugins, users' modules and libraries print."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pytest
from processes import command
from pyarrow import parquet

from vaehub.cli.app import app
from vaehub.cli.standard_output import Command

NOISE = """
    import ctypes, os, subprocess, sys, warnings

    def noise(what):
        print("printed by", what)
        sys.__stdout__.write(f"written by {what}\\n")
        os.write(1, f"descriptor of {what}\\n".encode())
        ctypes.CDLL(None).printf(f"buffer of C of {what}\\n".encode())
        subprocess.run(["echo", f"child of {what}"], check=True)
        warnings.warn(f"warning of {what}")
"""
MANIFEST = """
    import atexit
    from noise import noise
    from vaehub.registry import Metric, Study, hookimpl

    noise("an import")
    atexit.register(print, "printed at the end")

    @hookimpl
    def vaehub_catalog():
        noise("a catalog")
        return [Metric("noise", "noisy.metric:Noise", "prints"), Study("loud", "noisy:loud.toml", "prints")]

    @hookimpl
    def vaehub_trained(training_id):
        noise("a hook")
"""
METRIC = """
    from noise import noise
    from vaehub import ModelMetric, Result, Vector

    noise("a module")

    class Noise(ModelMetric):
        def measure(self, model, data):
            noise("a metric")
            return Result(scalars={"noise": 1.0}, vectors={"heights": Vector([1.0, 2.0], "row")})

        def plot(self, result):
            from matplotlib.figure import Figure

            noise("a plot")
            return Figure()
"""
STUDY = """
    [recipe]
    model = "vae"
    dataset = "digits"
    "model.latent_dim" = 3
    "train.epochs" = 0
    [metrics.noise]
    [[reports]]
    name = "all"
    sql = "select model, name, value from results where name = 'noise'"
"""
RUN = ("--model", "vae", "--metric", "noise", "-s", "train.epochs=0", "-s", "model.latent_dim=2")
COMMANDS = [
    "list",
    "plugin list",
    "plugin check noisy",
    "plugin new mine --kind metric",
    "cite noise vae",
    "describe noise",
    "run --model beta_vae --metric noise --metric elbo -s train.epochs=0 -s model.latent_dim=2",
    "train --model beta_vae -s train.epochs=0 -s model.latent_dim=2",
    "compare TRAINING TRAINING --metric cka",
    "suggest-dim digits --method intrinsic_dimension_twonn --seeds 1 --jobs 1 -s data.subset=100",
    "show",
    "show TRAINING",
    "show MEASUREMENT",
    "plot MEASUREMENT -o picture.png",
    "report MEASUREMENT -o page.html",
    "sql 'from results'",
    "export TRAINING",
    "verify",
    "store rescue STORE rescued",
    "store merge STORE --store merged",
    "store prune --failed",
    "store export tables",
    "study list",
    "study run loud --jobs 1",
    "study status loud",
    "study report loud",
    "data list",
    "data info digits",
]
WAYS = ("printed by", "written by", "descriptor of", "child of", "warning of")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    texts = {"noise.py": NOISE, "noisy/__init__.py": MANIFEST, "noisy/metric.py": METRIC, "noisy/loud.toml": STUDY}
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))
    info = folder / "noisy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vaehub]\nnoisy = noisy\n")
    return folder


@pytest.fixture(scope="module")
def measured(site, tmp_path_factory):
    """A store with one training and one measurement by the noisy plugin, with their ids."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        patch.chdir(folder)
        done = command("run", *RUN, "--json")
        assert done.returncode == 0, done.stderr
        [found] = json.loads(done.stdout)
    store = folder / "vaehub-store"
    return store, {"TRAINING": found["training"]["id"], "MEASUREMENT": found["measurement"], "STORE": str(store)}


@pytest.fixture
def noisy(site, measured, monkeypatch):
    """Run a command with the noisy plugin installed."""
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("VAEHUB_STORE", str(measured[0]))
    return command


# These start processes of their own.
LONG = ("suggest-dim", "study run", "study report")


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=[pytest.mark.slow] if line.startswith(LONG) else []) for line in COMMANDS]
)
def test_json_stands_alone(noisy, measured, line):
    if line.startswith("plot"):
        pytest.importorskip("matplotlib")
    if line == "study report loud":  # there must be something to report, whatever ran before in this process
        assert noisy("study", "run", "loud", "--jobs", "1").returncode == 0
    done = noisy(*(measured[1].get(word, word) for word in shlex.split(line)), "--json")
    # An estimate that is only a lower bound is no suggestion, which is no success.
    # Nor does a plugin that writes to standard output keep what plugins promise.
    assert done.returncode == (1 if line.startswith(("suggest-dim", "plugin check")) else 0), done.stderr
    json.loads(done.stdout)
    if line.startswith("plugin new"):  # which loads no plugin
        return
    # Studies are carried out by worker processes.
    works = line.startswith(("run", "study run"))
    for what in ("an import", "a catalog", *(["a module", "a metric"] if works else [])):
        assert [way for way in WAYS if f"{way} {what}" not in done.stderr] == []


def test_all_commands_are_among_these():
    """Fetching downloads, and doing jobs answers nothing; but they are made as the others are."""
    [*commands] = named(app)
    assert {words for words, _ in commands} - {("data", "fetch"), ("study", "work")} == {
        tuple(line.split()[:n]) for line in COMMANDS for n in (1, 2) if tuple(line.split()[:n]) in dict(commands)
    }
    assert {kind for _, kind in commands} == {Command}


def named(group, *before):
    """Yield the words of every command below a group, with its class."""
    for each in group.registered_commands:
        yield (*before, each.name or each.callback.__name__), each.cls
    for each in group.registered_groups:
        yield from named(each.typer_instance, *before, each.name)


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_answers_and_tables_stand_alone(noisy, form):
    shown = noisy("sql", "select 1 as one, [2] as two", "--format", form).stdout
    if form == "csv":
        assert list(csv.reader(io.StringIO(shown))) == [["one", "two"], ["1", "[2]"]]
    elif form == "json":
        assert json.loads(shown) == [{"one": 1, "two": [2]}]
    else:
        assert [shown.split()[at] for at in (0, 1, -2, -1)] == ["one", "two", "1", "[2]"]


def test_paths_stand_alone(noisy, measured):
    assert noisy("export", measured[1]["TRAINING"], "-o", "weights.pt", "-f", "pt").stdout == "weights.pt\n"


def process(*arguments, environment=None, **streams):
    line = [sys.executable, "-c", "from vaehub.cli.main import main; main()", *arguments]
    return subprocess.run(line, env={**os.environ, **(environment or {})}, timeout=200, check=False, **streams)


def test_what_is_written_when_the_process_ends_stands_beside_the_answer(noisy):
    done = process("list", "--json", capture_output=True, text=True)
    assert {each["name"] for each in json.loads(done.stdout)} >= {"ard", "noise", "loud"}
    assert "buffer of C of an import" in done.stderr
    assert "printed at the end" in done.stderr


def test_parquet_stands_alone_in_a_pipe(noisy):
    done = process("sql", "from trainings", "-f", "parquet", capture_output=True)
    assert "latent_dim" in parquet.read_table(pa.BufferReader(done.stdout)).column_names


def test_help_and_version_are_printed_as_ever(noisy):
    assert noisy("run", "--help").stdout.startswith("Usage: ")
    assert noisy("--version").stdout.startswith("vaehub ")


def test_a_closed_standard_output_is_said(noisy):
    line = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]
    script = " ".join(map(shlex.quote, [*line, "list"])) + " >&-"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=200, check=False)
    said = "error: standard output is closed, so there is nowhere to write the answer; redirect it to a file\n"
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [("list", "model"), ("list", "--json"), ("data", "list")], ids=" ".join)
def test_a_full_disk_is_said(noisy, arguments):
    with Path("/dev/full").open("w") as full:
        done = process(*arguments, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\nerror: standard output cannot be written: No space left on device\n" in done.stderr


def test_a_reader_may_leave(noisy):
    script = " ".join(map(shlex.quote, [sys.executable, "-c", "from vaehub.cli.main import main; main()", "list"]))
    done = subprocess.run(
        ["bash", "-c", f"{script} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
