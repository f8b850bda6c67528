"""What vaehub promises as a whole: real processes, really killed, many at once, the same bits."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pytest

from vaehub import Hub

COMMAND = [sys.executable, "-c", "from vaehub.cli.main import main; main()"]
RUN = ["run", "--model", "ard", "--metric", "relevance", "--set", "train.epochs=8", "--set", "model.latent_dim=4"]


def run(*arguments, check=True):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=check)


def verified(store):
    return json.loads(run("verify", "--store", store, "--json").stdout)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_store_is_whole_after_kill_9_at_random_moments():
    started = time.monotonic()
    run(*RUN, "--store", "rehearsal")
    seconds = time.monotonic() - started
    moments = random.Random(9)
    for attempt in range(4):  # `python -m tests.campaigns kills` has as many as are asked for
        process = subprocess.Popen(
            [*COMMAND, *RUN, "--seed", str(attempt % 3), "--store", "store"], stderr=-1, stdout=-1
        )
        # Most of a run is imports, which write nothing: two thirds of the moments are in what follows.
        time.sleep(seconds * moments.uniform(0.35 if attempt % 3 else 0.0, 1.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if Path("store/results.duckdb").exists():
            assert verified("store")["problems"] == []
    for seed in ("0", "1", "2"):
        assert run(*RUN, "--seed", seed, "--store", "store").returncode == 0
    found = verified("store")
    assert (found["problems"], found["n_trainings"], found["n_measurements"]) == ([], 3, 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_processes_measure_into_one_store_and_every_value_is_there_once():
    # Two seeds of its own for each process, and one that all of them want.
    commands = [
        [*COMMAND, *RUN, "--metric", "elbo", "--seed", str(100 + each), "--seed", "7", "--store", "store"]
        for each in range(5)
    ]
    processes = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True) for command in commands]
    outcomes = [process.communicate(timeout=500) for process in processes]
    assert [process.returncode for process in processes] == [0] * 5, outcomes
    assert verified("store")["problems"] == []
    with duckdb.connect("store/results.duckdb", read_only=True) as connection:
        [(trainings,)] = connection.execute("select count(*) from trainings").fetchall()
        repeated = connection.execute(
            "select measurement, name, index from measured_values group by all having count(*) > 1"
        ).fetchall()
        counts = connection.execute("select count(*) from measured_values group by measurement").fetchall()
    assert trainings == 6
    assert repeated == []
    # Five vectors of four values and six scalars for relevance, four scalars for the bound.
    assert sorted(count for (count,) in counts) == [4] * 6 + [26] * 6


@pytest.mark.parametrize("network", ["mlp", "ard_mnist"])
def test_the_same_recipe_gives_the_same_bits_in_two_stores(network):
    settings = {"train.epochs": 2, "model.latent_dim": 4}
    if network == "ard_mnist":
        settings["network.channels"] = [4, 8]
    weights, values = [], []
    for store in ("a", "b"):
        hub = Hub.open(store)
        found = hub.run(model="ard", metric=["relevance", "elbo"], network=network, settings=settings)
        weights.append(hub.store.weights(found[0].training.id))
        values.append([(each["value"], each["name"], each["index"]) for item in found for each in item.rows()])
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert values[0] == values[1]


@pytest.mark.slow
def test_a_killed_training_resumes_and_ends_with_the_same_bits(monkeypatch):
    settings = ["--set", "train.epochs=120", "--set", "model.latent_dim=4", "--set", "train.keep=best"]
    command = ["run", "--model", "ard", "--metric", "relevance", *settings]
    eager = "import vaehub.store.checkpoint as c; c.SECONDS_BETWEEN = 0.0; from vaehub.cli.main import main; main()"
    process = subprocess.Popen([sys.executable, "-c", eager, *command, "--store", "killed"], stderr=-1, stdout=-1)
    while not list(Path("killed").glob("checkpoints/*.h5")):
        assert process.poll() is None, "the training ended before its first checkpoint"
        time.sleep(0.01)
    time.sleep(0.3)
    process.kill()
    process.communicate()
    assert list(Path("killed").glob("checkpoints/*.h5"))
    resumed = json.loads(run(*command, "--store", "killed", "--json").stdout)[0]
    whole = json.loads(run(*command, "--store", "whole", "--json").stdout)[0]
    assert resumed["vectors"] == whole["vectors"]
    assert not list(Path("killed").glob("checkpoints/*.h5"))
    killed, fresh = (Hub.open(each).store for each in ("killed", "whole"))
    training = whole["training"]["id"]
    assert killed.epochs(training) == fresh.epochs(training)
    pairs = zip(killed.weights(training).items(), fresh.weights(training).items(), strict=True)
    assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.slow
def test_a_training_that_is_interrupted_says_how_to_go_on():
    long = [*RUN[:-4], "--set", "train.epochs=100000", "--store", "store"]
    # A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + COMMAND[-1]
    process = subprocess.Popen([*COMMAND[:-1], listening, *long], stdout=-1, stderr=-1, text=True)
    while not list(Path().glob("store/locks/*.lock")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what is recorded stays, and the same command goes on from there" in said
    assert "Traceback" not in said
