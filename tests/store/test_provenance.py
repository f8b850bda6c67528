import json
import platform
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest
from stored_samples import a_measurement, a_training, weights

from vaehub.core.errors import NotRecorded
from vaehub.core.result import Result
from vaehub.store.store import Store


def provenance(path):
    return Store.open(path).query("from provenance order by started").to_pylist()


def recorded(path, **options):
    store = Store.open(path, **options)
    store.prepare()
    store.record_measurement(a_measurement(), Result())
    return provenance(path)


def test_looking_at_a_store_is_not_recorded(tmp_path):
    store = Store.open(tmp_path / "store")
    store.prepare()
    store.recent()
    assert provenance(tmp_path / "store") == []


def test_a_process_is_recorded_once_for_all_that_it_writes(tmp_path):
    store = Store.open(tmp_path / "store")
    store.prepare()
    store.record_training(a_training(), [], weights())
    store.record_measurement(a_measurement("m1"), Result())
    store.record_measurement(a_measurement("m2"), Result())
    query = "select count(*) as n from (from trainings select provenance union from measurements select provenance)"
    assert len(provenance(tmp_path / "store")) == 1
    assert store.query(query).to_pylist() == [{"n": 1}]


def test_every_opening_that_writes_is_recorded(tmp_path):
    recorded(tmp_path / "store")
    store = Store.open(tmp_path / "store")
    store.record_measurement(a_measurement("m2"), Result())
    by_record = store.query("from measurements select provenance order by id").to_pylist()
    assert [row["provenance"] for row in by_record] == [row["id"] for row in provenance(tmp_path / "store")]
    assert by_record[0] != by_record[1]


def test_what_was_not_recorded_leaves_no_trace_of_its_process(tmp_path):
    recorded(tmp_path / "store")
    assert not Store.open(tmp_path / "store").record_measurement(a_measurement(), Result())
    assert len(provenance(tmp_path / "store")) == 1


def test_versions_of_plugins_are_recorded(tmp_path):
    [row] = recorded(tmp_path / "store", plugins={"vaehub": "0.1.0", "acme": "2.0"})
    assert json.loads(row["plugins"]) == {"vaehub": "0.1.0", "acme": "2.0"}


def test_versions_of_everything_else_are_recorded(tmp_path):
    [row] = recorded(tmp_path / "store")
    found = {name: row[name] for name in ("vaehub", "torch", "python", "platform")}
    expected = {"vaehub": version("vaehub"), "torch": version("torch")}
    assert found == expected | {"python": platform.python_version(), "platform": platform.platform()}


def test_the_command_line_is_recorded_so_that_it_can_be_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["vaehub", "run", "--set", "model.name=two words"])
    [row] = recorded(tmp_path / "store")
    assert shlex.split(row["command_line"]) == ["vaehub", "run", "--set", "model.name=two words"]


def test_a_process_whose_first_record_failed_is_recorded_with_the_next(tmp_path):
    store = Store.open(tmp_path / "store")
    store.prepare()
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.record_measurement(a_measurement(training=None, params={"alpha": float("nan")}), Result())
    store.record_measurement(a_measurement(training=None), Result())
    assert len(provenance(tmp_path / "store")) == 1
    assert store.verify().problems == ()


@pytest.fixture
def commit(tmp_path):
    """The commit of a repository in the test's folder."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "-m", "one"], cwd=tmp_path, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    return found.stdout.strip()


def test_the_commit_of_the_folder_is_recorded(tmp_path, commit):
    [row] = recorded(tmp_path / "store")
    assert row["git_commit"] == commit


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    [row] = recorded(tmp_path / "store")
    assert row["git_commit"] is None


# A store that is deleted while a process records in it


def test_a_store_made_anew_in_mid_run_knows_who_wrote_it(filled, make_training, epochs, weights):
    shutil.rmtree(filled.path)
    filled.record_training(make_training(seed=1), epochs, weights)
    assert filled.verify().problems == ()


def test_a_measurement_of_a_training_that_was_deleted_in_mid_run_is_refused(filled, make_training, make_measurement):
    training = make_training()
    shutil.rmtree(filled.path)
    words = (
        rf"^measurement \w+ was made, but could not be recorded: training {training.id[:8]} is not in the store any "
        "more, which was deleted or replaced meanwhile; run the same command again$"
    )
    with pytest.raises(NotRecorded, match=words):
        filled.record_measurement(make_measurement(training, seed=1), Result({"n": 1}))
    assert filled.verify().problems == ()
