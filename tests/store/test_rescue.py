"""What is whole of a damaged store is copied, and what is not is said."""

import os
import random
import shutil
import subprocess

import numpy as np
import pytest
from stored_samples import COMMAND, a_measurement, a_result, a_training, same_result, weights

from vaehub.core.errors import StoreError
from vaehub.core.result import Result
from vaehub.store.store import Store

HEADERS, BLOCK = 12288, 262144
N_MEASUREMENTS, N_VALUES = 40, 10_000


def large(seed):
    return Result(scalars={"seed": seed}, vectors={"v": np.random.default_rng(seed).normal(size=N_VALUES)})


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A store whose values take many blocks of the database."""
    store = Store.open(tmp_path_factory.mktemp("big") / "store")
    store.prepare()
    with store.burst():
        store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
        for n in range(N_MEASUREMENTS):
            store.record_measurement(a_measurement(f"m{n:02}"), large(n))
        store.record_measurement(a_measurement("whole"), a_result())
    return store


@pytest.fixture
def rescued(tmp_path):
    """Where a store is rescued to."""
    return Store.open(tmp_path / "rescued")


def copy_of(store, path):
    shutil.copytree(store.path, path)
    return Store.open(path)


def with_damage(store, path, block):
    """Return a copy of a store with a byte altered in a block of its database."""
    copy = copy_of(store, path)
    with (copy.path / "results.duckdb").open("r+b") as file:
        file.seek(HEADERS + block * BLOCK + 1000)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))
    return copy


def whole(store):
    """Return ids of measurements that are stored as they were measured."""
    return {
        record.id
        for record in store.recent(1000)[1]
        if same_result(store.result(record.id), a_result() if record.id == "whole" else large(int(record.id[1:])))
    }


@pytest.mark.slow
def test_a_whole_store_is_copied_bit_for_bit(big, rescued):
    found = big.rescue(rescued)
    assert found.losses == ()
    assert (found.copied["trainings"], found.copied["measurements"], found.n_files) == (1, N_MEASUREMENTS + 1, 2)
    assert len(whole(rescued)) == N_MEASUREMENTS + 1
    assert rescued.training("t1") == big.training("t1")
    assert {name: each.tobytes() for name, each in rescued.weights("t1").items()} == {
        name: each.tobytes() for name, each in big.weights("t1").items()
    }
    verified = rescued.verify()
    assert (verified.problems, verified.leftovers) == ((), ())


@pytest.mark.slow
def test_damage_to_any_block_is_found_or_none_and_costs_only_what_is_in_it(big, tmp_path):
    n_blocks = ((big.path / "results.duckdb").stat().st_size - HEADERS) // BLOCK
    kinds = set()
    for block in range(0, n_blocks, 12):
        damaged = with_damage(big, tmp_path / f"d{block}", block)
        target = Store.open(tmp_path / f"r{block}")
        try:
            problems = damaged.verify().problems
            found = damaged.rescue(target)
        except StoreError:
            kinds.add("nothing can be read")
            assert not target.path.exists()
            continue
        assert target.verify().problems == ()
        ids = {record.id for record in target.recent(1000)[1]}
        assert whole(target) == ids, "what is copied is whole"
        assert bool(problems) == bool(found.losses)
        kinds.add("partly" if 0 < len(ids) <= N_MEASUREMENTS else "all" if ids else "none")
    assert "partly" in kinds


@pytest.mark.slow
def test_of_values_in_a_damaged_block_the_others_are_rescued(big, tmp_path, rescued):
    # Most blocks hold values; which ones, the database decides.
    candidates = (with_damage(big, tmp_path / f"damaged{block}", block) for block in range(3, 20))
    damaged = next(each for each in candidates if "table measured_values is damaged: " in str(each.verify().problems))
    [_] = damaged.verify().problems
    assert damaged.verify().tables["trainings"] == 1
    found = damaged.rescue(rescued)
    assert 0 < len(whole(rescued)) < N_MEASUREMENTS + 1
    assert len(whole(rescued)) == found.copied["measurements"]
    assert any("rows of table measured_values are lost: " in loss for loss in found.losses)
    assert rescued.verify().problems == ()
    with pytest.raises(StoreError, match=r"^store '.+' cannot be read: "):
        damaged.query("select avg(value) from results")


@pytest.mark.slow
def test_of_a_training_whose_weights_are_damaged_the_results_stay_and_the_weights_can_be_made_again(
    big, tmp_path, rescued
):
    damaged = copy_of(big, tmp_path / "damaged")
    [path] = (damaged.path / "arrays").glob("training-*")
    path.write_bytes(path.read_bytes()[:-1])
    found = damaged.rescue(rescued)
    assert found.losses == (f"training t1 is to be made again: file {path.name} is damaged",)
    assert len(whole(rescued)) == N_MEASUREMENTS + 1
    assert rescued.query("select distinct model from results").to_pylist() == [{"model": "beta_vae"}]
    assert rescued.training("t1").status == "failed"
    assert rescued.record_training(a_training(), [], weights()) is not None
    assert rescued.verify().problems == ()


@pytest.mark.slow
def test_a_measurement_whose_arrays_are_missing_is_lost(big, tmp_path, rescued):
    damaged = copy_of(big, tmp_path / "damaged")
    [path] = (damaged.path / "arrays").glob("measurement-*")
    path.unlink()
    assert damaged.rescue(rescued).losses == (f"measurement whole is lost: file {path.name} is missing",)
    assert len(whole(rescued)) == N_MEASUREMENTS
    assert rescued.verify().problems == ()


def test_a_rescue_changes_neither_the_damaged_store_nor_what_is_there_already(big, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    before = {path: path.read_bytes() for path in big.path.rglob("*") if path.is_file()}
    with pytest.raises(StoreError, match=r"is there already, and a rescue makes a new store; name another folder$"):
        big.rescue(Store.open(tmp_path / "mine"))
    big.rescue(Store.open(tmp_path / "new"))
    assert {path: path.read_bytes() for path in big.path.rglob("*") if path.is_file()} == before
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_database_of_which_nothing_can_be_read_is_one_sentence_and_leaves_nothing(big, tmp_path, rescued):
    damaged = copy_of(big, tmp_path / "damaged")
    (damaged.path / "results.duckdb").write_bytes(b"nothing" * 5000)
    with pytest.raises(StoreError, match=r"results\.duckdb cannot be opened as a database: [^\n]+$"):
        damaged.rescue(rescued)
    assert not rescued.path.exists()


# Commands over damaged databases

COMMANDS = [
    ["verify"],
    ["show"],
    ["show", "t1"],
    ["show", "whole"],
    ["sql", "select avg(value) from measured_values"],
    ["sql", "from results", "--format", "csv"],
    ["study", "list"],
    ["export", "t1", "--output", "weights.safetensors"],
    ["plot", "t1", "--output", "losses.png"],
]
ALL_IN_ONE = """
import sys
from vaehub.cli.main import main
for command in {commands!r}:
    sys.argv = ["vaehub", *command]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code, *command, file=sys.stderr)
    except BaseException as error:
        print("traceback", type(error).__name__, error, *command, file=sys.stderr)
"""


def damage(content, dice):
    """Return the bytes of a file with one of the things done to it that disks and people do."""
    altered, kind = bytearray(content), dice.randrange(5)
    if kind == 0:
        del altered[dice.randrange(len(altered)) :]
    elif kind == 1:
        at = dice.randrange(len(altered))
        altered[at : at + 4096] = bytes(len(altered[at : at + 4096]))
    else:
        most = (len(altered), HEADERS, len(altered))[kind - 2]
        for _ in range((1, 1, 64)[kind - 2]):
            altered[dice.randrange(most)] ^= 1 << dice.randrange(8)
    return bytes(altered)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(each, marks=pytest.mark.longest) for each in range(5, 12))])
def test_no_command_on_a_damaged_store_ends_in_a_traceback(big, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    damaged = copy_of(big, tmp_path / "damaged")
    path = damaged.path / "results.duckdb"
    path.write_bytes(damage(path.read_bytes(), random.Random(seed)))
    commands = [[*each, "--store", str(damaged.path)] for each in COMMANDS]
    commands.append(["store", "rescue", str(damaged.path), "rescued"])
    script = ALL_IN_ONE.format(commands=commands)
    done = subprocess.run([*COMMAND[:2], script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(("exit ", "traceback "))]
    assert not [line for line in said if line.startswith("traceback")], said
    codes = [int(line.split()[1]) for line in said]
    assert set(codes) <= {0, 1, 2}
    # Typer returns without an exit where all is well.
    assert len(done.stderr.split("error: ")) - 1 == codes.count(2), done.stderr
