"""What bad input gets: one clear sentence, exit code 2, no traceback, and nothing changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaehub.store.schema import VERSION

RUN = ("run", "--model", "ard", "--metric", "relevance")


def check(done, *words, code=2):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip()
    assert len(sentence.splitlines()) == 1, sentence
    for word in words:
        assert word in sentence
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--model", "art", "--metric", "relevance"],
            ["unknown model 'art'", "did you mean 'ard'", "vaehub list model"],
        ),
        (["--model", "ard", "--metric", "relevence"], ["unknown metric 'relevence'", "did you mean 'relevance'"]),
        ([*RUN[1:], "--dataset", "digit"], ["unknown dataset 'digit'", "did you mean 'digits'"]),
        ([*RUN[1:], "--network", "mpl"], ["unknown network 'mpl'", "did you mean 'mlp'"]),
        ([*RUN[1:], "-s", "model.bta=1"], ["model 'ard'", "'bta' is not one of its parameters, did you mean 'beta'"]),
        ([*RUN[1:], "-s", "model.beta=-1"], ["'beta' is -1", "greater than or equal to 0"]),
        ([*RUN[1:], "-s", "model.latent_dim=many"], ["'latent_dim' is 'many'", "valid integer"]),
        ([*RUN[1:], "-s", "model.beta=nan"], ["'beta' is nan", "finite"]),
        ([*RUN[1:], "-s", "train.epochs=-1"], ["'epochs' is -1", "greater than or equal to 0"]),
        ([*RUN[1:], "-s", "model.latent_dim=0"], ["'latent_dim' is 0", "greater than 0"]),
        (
            [*RUN[1:2], "vae", "--metric", "elbo", "-s", "train.until=stable"],
            ["model 'vae' selects no latents"],
        ),
        ([*RUN[1:], "--at-epochs", "1,x"], ["--at-epochs is '1,x' and should be whole numbers"]),
        ([*RUN[1:], "--at-steps", "5"], ["this training has 100 epochs", "and no steps", "train.steps=5000"]),
        ([*RUN[1:], "-s", "train.steps=9", "--at-steps", "12"], ["are numbers from 1 to 'train.steps'", "got 12"]),
        ([*RUN[1:], "-s", "train.steps=9", "--at-epochs", "1"], ["this training has 9 steps", "and no epochs"]),
        ([*RUN[1:], "-s", "train.steps=9", "--at-steps", "9:1:1"], ["--at-steps is '9:1:1'", "or a range"]),
        ([*RUN[1:], "-s", "train.steps=9", "--at-steps", f"0:{10**21}:1"], ["or a range", "at most a million in all"]),
        ([*RUN[1:], "-s", "train.steps=9", "--at-steps", "1:600000:1,1:600000:1"], ["at most a million in all"]),
        ([*RUN[1:], "-s", "train.steps=9", "-s", "train.epochs=3"], ["'steps' is 9 and 'epochs' is 3", "give either"]),
        ([*RUN[1:], "-s", "train.steps=0"], ["'steps' is 0", "greater than 0"]),
        ([*RUN[1:], "--at-epochs", "200"], ["are numbers from 1 to 'train.epochs'", "got 200"]),
        (["--model", "vae", "--metric", "elbo", "--dataset", "helix"], ["a Bernoulli likelihood needs data in [0, 1]"]),
        (["--model", "vae", "--metric", "elbo", "--network", "own"], ["name either both 'encoder' and 'decoder'"]),
        (["--model", "linear_vae", "--metric", "elbo"], ["needs a linear network", "add '--network linear'"]),
        ([*RUN[1:], "-s", "network.hidden=[4,0]"], ["hidden.1", "greater than 0"]),
        ([*RUN[1:], "-s", "beta=1"], ["'beta' does not begin with a scope", "model.NAME"]),
        ([*RUN[1:], "-s", "model.beta"], ["'model.beta' is no setting"]),
        ([*RUN[1:], "-s", "metric.n_samples=0"], ["metric 'relevance'", "'n_samples' is 0", "above 0 or 'all'"]),
        ([*RUN[1:], "-s", "metric.split=test"], ["metric 'relevance'", "no split 'test'", "train, validation, all"]),
        ([*RUN[1:2], "ae", "--metric", "variable_types"], ["metric 'variable_types' needs", "posterior variances"]),
        ([*RUN[1:], "--network", "ard_mnist"], ["multiples of 16", "(1, 8, 8)"]),
        ([*RUN[1:], "--device", "tpu"], ["unknown device 'tpu'"]),
        ([*RUN[1:], "--metric", "elbo", "-s", "metric.split=all"], ["does not say which of relevance, elbo"]),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(vaehub, arguments, words):
    check(vaehub("run", *arguments), *words)
    assert not Path("vaehub-store").exists()


def test_all_wrong_parameters_are_named_at_once(vaehub):
    done = vaehub(*RUN, "-s", "model.beta=-1", "-s", "model.prior=cauchy", "-s", "model.latnt_dim=3")
    check(done, "'beta' is -1", "'prior' is 'cauchy'", "did you mean 'latent_dim'")


def test_an_option_that_does_not_exist_is_refused(vaehub):
    done = vaehub("run", "--modle", "ard")
    assert done.returncode == 2
    assert "--modle" in done.stderr
    assert "Traceback" not in done.stderr


def test_data_that_cannot_be_had_names_every_place_and_the_address(vaehub, monkeypatch, tmp_path):
    monkeypatch.delenv("VAEHUB_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A proxy that is not there: the address is tried, and fails at once.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    done = vaehub(*RUN, "--dataset", "mnist", "-s", f"data.root={tmp_path / 'mine'}")
    places = [str(tmp_path / "mine"), str(tmp_path / "cache" / "vaehub" / "mnist")]
    check(done, "dataset 'mnist' is not available", *places, "https://ossci-datasets.s3.amazonaws.com/mnist/")


def test_a_truncated_data_file_is_named_with_its_checksum(vaehub, tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08\x00garbage")
    done = vaehub(*RUN, "--dataset", "mnist", "-s", f"data.root={tmp_path}")
    check(done, "train-images-idx3-ubyte.gz, whose content should have md5:6bbc9ace898e44ae57da46a324031adb, cannot")


def test_a_store_that_is_a_file_is_refused(vaehub):
    Path("taken").write_text("mine")
    check(vaehub(*RUN, "--store", "taken"), "store 'taken' is a file")
    assert Path("taken").read_text() == "mine"


def test_a_store_that_cannot_be_made_is_refused(vaehub):
    Path("taken").write_text("mine")
    check(vaehub(*RUN, "--store", "taken/below"), "store 'taken/below' cannot be made: Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_store_that_is_not_writable_is_refused(vaehub):
    Path("closed").mkdir(mode=0o555)
    check(vaehub(*RUN, "--store", "closed"), "store 'closed'")


def test_a_store_of_a_newer_schema_is_refused_and_left_alone(vaehub):
    import duckdb

    vaehub("run", "--model", "vae", "--metric", "elbo", "-s", "train.epochs=1", "--store", "new")
    with duckdb.connect("new/results.duckdb") as connection:
        connection.execute("insert into schema_version values (?, now()::timestamp)", [VERSION + 1])
    before = Path("new/results.duckdb").read_bytes()
    check(vaehub("show", "--store", "new"), f"schema {VERSION + 1}", "upgrade vaehub")
    assert Path("new/results.duckdb").read_bytes() == before


def test_a_store_that_stays_locked_is_refused_by_name_of_the_holder(vaehub, monkeypatch):
    monkeypatch.setenv("VAEHUB_LOCK_TIMEOUT", "0.3")
    Path("busy/arrays").mkdir(parents=True)
    hold = "import duckdb, sys; c = duckdb.connect('busy/results.duckdb'); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=-1, stdout=-1) as holder:
        assert holder.stdout.readline() == b"held\n"
        done = vaehub(*RUN, "--store", "busy")
        holder.stdin.close()
    check(done, f"locked by another process ({holder.pid}) for more than 0.3 s", "VAEHUB_LOCK_TIMEOUT")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selec 1", ["not understood", "syntax error"]),
        ("select nope from results", ["not understood", "nope"]),
        ("delete from measurements", ["can be queried but not changed", "DELETE"]),
        ("copy results to 'stolen.csv'", ["can be queried but not changed", "COPY"]),
        ("select * from read_text('/etc/hostname')", ["reads the store and nothing else"]),
        ("select 1; select 2", ["one query at a time"]),
    ],
)
def test_sql_that_is_wrong_or_reaches_out_is_refused(vaehub, quick_store, query, words):
    before = Path(quick_store, "results.duckdb").read_bytes()
    check(vaehub("sql", query, "--store", quick_store), *words)
    assert Path(quick_store, "results.duckdb").read_bytes() == before


@pytest.mark.parametrize("command", [["sql", "from results"], ["verify"]])
def test_asking_a_store_that_is_not_there_makes_none(vaehub, command):
    check(vaehub(*command), "there is no store at 'vaehub-store'", "'vaehub run' makes one")
    assert not Path("vaehub-store").exists()


@pytest.mark.parametrize("command", ["show", "plot"])
def test_an_unknown_id_is_refused(vaehub, quick_store, command):
    check(vaehub(command, "zzz", "--store", quick_store), "has an id that begins with 'zzz'", "vaehub show")


def test_a_training_that_diverges_is_recorded_as_failed_with_exit_code_1(vaehub):
    wild = ("-s", "train.learning_rate=1e30", "-s", "train.epochs=3")
    check(vaehub(*RUN, *wild), "diverged in epoch", "'train.learning_rate'", code=1)
    [training] = json.loads(vaehub("show", "--json").stdout)["trainings"]
    assert training["status"] == "failed"
    assert "diverged in epoch" in training["error"]
    assert "whole" in vaehub("verify").stdout


def test_debug_shows_the_traceback(vaehub):
    assert "Traceback" in vaehub("--debug", "run", "--model", "art", "--metric", "relevance").stderr
