"""Stores are merged, pruned and exported as a user does it: what is said, and the exit code."""

import json
import shutil

import duckdb
import pytest
from processes import commands


@pytest.fixture
def places(quick_store, tmp_path, monkeypatch):
    """A folder with a store, a copy of it, one in which a value is another, a foreign database and a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VAEHUB_STORE", raising=False)
    for name in ("vaehub-store", "same", "other"):
        shutil.copytree(quick_store, name)
    with duckdb.connect("other/results.duckdb") as connection:
        connection.execute("update measured_values set value = value + 1 where name = 'n_active'")
    (tmp_path / "foreign").mkdir()
    with duckdb.connect("foreign/results.duckdb") as connection:
        connection.execute("create table songs (title varchar)")
    (tmp_path / "file").write_text("mine")
    return tmp_path


def test_merging_says_what_came_and_what_differs(places, vaehub):
    new = vaehub("store", "merge", "same", "--store", "new")
    same = vaehub("store", "merge", "same", "vaehub-store")
    differs = vaehub("store", "merge", "same", "other")
    as_json = vaehub("store", "merge", "other", "--json")
    assert (new.returncode, new.stderr) == (0, "")
    assert "same: rows added: " in new.stdout
    assert "trainings 1, " in new.stdout
    assert (same.returncode, same.stdout) == (0, "same: nothing new\nvaehub-store: nothing new\n")
    assert differs.returncode == 1
    first, second, third = differs.stdout.splitlines()
    assert (first, second) == ("same: nothing new", "other: nothing new")
    assert third.startswith("differs, and stays as it is here: measurement ")
    assert " (relevance): n_active is " in third
    [found] = json.loads(as_json.stdout)
    assert as_json.returncode == 1
    assert found["conflicts"][0]["what"] == "n_active"
    assert float(found["conflicts"][0]["there"]) == float(found["conflicts"][0]["here"]) + 1


def test_what_cannot_be_done_is_a_sentence_with_exit_code_2(places):
    asked = {
        ("store", "merge", "nowhere"): "there is no store at 'nowhere', which was to be merged",
        ("store", "merge", "foreign"): "foreign/results.duckdb is a DuckDB database but no vaehub store",
        ("store", "merge", "file"): "store 'file' is a file, and a store is a directory",
        ("store", "merge", "same", "--store", "file"): "store 'file' is a file, and a store is a directory",
        ("store", "merge"): "Missing argument 'OTHER...'",
        ("store", "prune"): "nothing was said of what to remove; give ids, '--failed', '--study', '--before'",
        ("store", "prune", "zzz"): "has an id that begins with 'zzz'",
        ("store", "export", "same"): "the tables cannot be written to 'same': it is there already; name another folder",
        ("store", "export", "no/where"): "the tables cannot be written to 'no/where': there is no folder 'no'",
        ("store", "export", "new", "--store", "none"): "there is no store at 'none'",
    }
    for answer, sentence in zip(commands(list(asked)), asked.values(), strict=True):
        assert answer.returncode == 2, answer.args
        assert sentence in answer.stderr
        assert "Traceback" not in answer.stderr
        assert answer.stdout == ""
    assert {each.name for each in places.iterdir()} == {"vaehub-store", "same", "other", "foreign", "file"}


def test_what_is_pruned_is_listed_before_it_goes_and_what_is_left_is_exported(places, vaehub):
    listed = vaehub("store", "prune", "--before", "2100-01-01", "--weights")
    gone = vaehub("store", "prune", "--before", "2100-01-01", "--weights", "--yes")
    exported = vaehub("store", "export", "results")
    as_json = vaehub("store", "export", "more", "--json")
    assert listed.stdout.endswith("; '--yes' removes them\n")
    assert "would go: 1 trainings' weights, 0 measurements, 1 files of " in listed.stdout
    assert "removed: 1 trainings' weights, " in gone.stdout
    assert not list((places / "vaehub-store" / "arrays").glob("training-*"))
    assert "results/README.md: the meaning of each column\n" in exported.stdout
    assert sorted(each.name for each in (places / "results").iterdir()) == ["README.md", "data", "references.bib"]
    found = json.loads(as_json.stdout)
    assert found["path"] == "more"
    assert "saha_2025" in found["references"]
    assert {each.returncode for each in (listed, gone, exported, as_json)} == {0}
