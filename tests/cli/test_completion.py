"""What a shell offers: names of the catalog, and ids of the store; no torch is loaded for it."""

import os
import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace

import duckdb
import pytest

from vaehub.cli import completion
from vaehub.core.result import Result
from vaehub.store.migrations import MIGRATIONS
from vaehub.store.records import MeasurementRecord
from vaehub.store.schema import migrate, version_of
from vaehub.store.store import Store

SHELLS = {
    "bash": lambda words: {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)},
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words)},
    "fish": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words), "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}
PROBE = """
import sys
from vaehub.cli.main import main
sys.argv = ["vaehub"]
try:
    main()
finally:
    sys.stderr.write("\\n".join(name for name in ("torch", "scipy", "matplotlib", "sklearn") if name in sys.modules))
"""


def a_store(path, *ids):
    store = Store.open(path)
    for each in ids:
        asked = (each, "elbo", {}, 3, {"dataset": {"name": "digits"}}, {}, None, None)
        record = MeasurementRecord(*asked, "done", None, datetime(2026, 11, 21), 0.0)
        store.record_measurement(record, Result({"n": 1}))
    return path


def context(**params):
    return SimpleNamespace(params=params)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_an_id_of_the_named_store_without_torch(shell, tmp_path):
    store = a_store(tmp_path / "mine", "abc" + "0" * 21, "abd" + "0" * 21, "fff" + "0" * 21)
    words = ["vaehub", "show", "--store", str(store), "ab"]
    environment = os.environ | {"_VAEHUB_COMPLETE": f"complete_{shell}", **SHELLS[shell](words)}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=False)
    assert "abc00000" in done.stdout
    assert "abd00000" in done.stdout
    assert "fff" not in done.stdout
    assert done.stderr == ""


def test_names_are_of_the_kind():
    offered = [name for name, _ in completion.names_of("model")("be")]
    assert offered == ["beta_tc_vae", "beta_vae"]
    assert "digits" in dict(completion.names_of("dataset")("dig"))


def test_a_name_of_several_kinds_is_offered_once():
    offered = [name for name, _ in completion.names_of()("intervention")]
    assert offered.count("intervention") == 1


def test_after_a_kind_its_names_are_offered_and_before_kinds_too():
    assert {"study", "structure_score"} <= dict(completion.described(context(words=None), "st")).keys()
    offered = completion.described(context(words=["study"]), "intervention")
    assert [name for name, _ in offered] == ["intervention"]


def test_ids_are_of_the_store_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEHUB_STORE", str(a_store(tmp_path / "other", "abc" + "0" * 21)))
    assert completion.ids(context(store=None), "") == [("abc00000", "elbo, seed 3")]
    assert completion.ids(context(store=None), "abc0000000") == [("abc0000000", "elbo, seed 3")]
    assert completion.training_ids(context(store=None), "") == []


def test_without_a_store_there_are_no_ids_and_none_is_made(tmp_path):
    assert completion.ids(context(store=tmp_path / "none"), "") == []
    assert not (tmp_path / "none").exists()


def test_a_damaged_store_keeps_the_prompt_clean(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "results.duckdb").write_bytes(b"no database" * 1000)
    assert completion.ids(context(store=tmp_path / "store"), "") == []


def test_a_store_of_an_earlier_schema_is_not_upgraded_at_a_prompt(tmp_path):
    path = tmp_path / "store"
    path.mkdir()
    with duckdb.connect(path / "results.duckdb") as connection:
        migrate(connection, MIGRATIONS[:-1])
    assert list(completion.ids(context(store=path), "")) == []
    with duckdb.connect(path / "results.duckdb", read_only=True) as connection:
        assert version_of(connection) == len(MIGRATIONS) - 1
