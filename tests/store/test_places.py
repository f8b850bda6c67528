"""Stores at odd paths: they work, or are refused before anything is made."""

from pathlib import Path

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.core.errors import StoreError, VaehubError
from vaehub.store.store import Store

WORKS = [
    "plain",
    "with space",
    " ",
    "quote's",
    'double"quote',
    "percent%20",
    "semi;colon",
    "hash#1",
    "what?n=1",
    "a?/b?",
    "brackets[1]",
    "star*",
    "dollar$HOME",
    "braces{a}",
    "a&b=c|d",
    "line\nbreak",
    "tab\tstop",
    "é漢字😀",
    "-option",
    "mine~",
    "md:mine",
    "postgres:host=example.org",
    "sqlite:mine",
    "file:mine",
    "C:mine",
    "mine.duckdb",
    "slash/",
    "./here",
    "below/../beside",
    "x" * 200,
]


# DuckDB reads the beginning of a path: those that say something there are given from the root as well.
PLACES = [(name, False) for name in WORKS] + [(name, True) for name in WORKS if ":" in name or "?" in name]


@pytest.mark.parametrize(("name", "is_whole"), PLACES, ids=repr)
def test_a_store_works_at_any_path(tmp_path, name, is_whole):
    Path("below").mkdir()
    path = tmp_path / name if is_whole else name
    store = Store.open(path)
    store.record_training(a_training(), [], weights())
    store.record_measurement(a_measurement(training="t1"), a_result())
    again = Store.open(path)
    found = again.verify()
    assert (found.n_trainings, found.n_measurements, found.problems) == (1, 1, ())
    assert again.query("select count(*) as n from measurements").to_pylist() == [{"n": 1}]
    assert (tmp_path / name / "results.duckdb").is_file()
    assert {each.name for each in tmp_path.iterdir()} == {
        "below",
        Path(tmp_path / name).resolve().relative_to(tmp_path).parts[0],
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("back\\slash", "holds a backslash, which DuckDB cannot open"),
        ("null\0", "null"),
        (b"bytes\xff".decode(errors="surrogateescape"), r"the path of store 'bytes\\udcff' is not valid Unicode"),
        (":memory:", "store ':memory:' is no directory of this machine; name one with '--store'"),
        ("s3://bucket/store", "store 's3://bucket/store' is no directory of this machine"),
        ("https://example.org/store", "is no directory of this machine"),
        (Path("gs://bucket/store"), "store 'gs:/bucket/store' is no directory of this machine"),
        ("~nobody-of-this-name/store", "is in the home of a user who has none"),
        ("x" * 300, "cannot be looked for: File name too long"),
    ],
    ids=str,
)
def test_other_paths_are_refused_before_anything_is_made(tmp_path, monkeypatch, name, words):
    with pytest.raises(StoreError, match=words):
        Store.open(name)
    if "\0" not in str(name):
        monkeypatch.setenv("VAEHUB_STORE", str(name))
        with pytest.raises(StoreError, match=words):
            Store.open()
    assert list(tmp_path.iterdir()) == []


def test_a_question_mark_may_be_above_the_store(tmp_path, monkeypatch):
    (tmp_path / "why?").mkdir()
    monkeypatch.chdir(tmp_path / "why?")
    Store.open().record_training(a_training(), [], weights())
    assert Store.open().training("t1").status == "done"
    assert sorted(each.name for each in Path("vaehub-store").iterdir()) == [
        "arrays",
        "results.duckdb",
        "results.lock",
        "results.undo",
        "turns",
    ]
    for query in ("select * from read_text('/etc/hostname')", "copy trainings to 'stolen.csv'", "set threads = 2"):
        with pytest.raises(VaehubError, match="nothing else|but not changed"):
            Store.open().query(query)
    with Store.open()._session._database.querying() as connection, pytest.raises(duckdb.Error, match="locked"):
        connection.execute("set enable_external_access = true")


def test_a_log_that_a_question_mark_hides_is_not_lost(tmp_path):
    """What a killed process has committed is in the log, and DuckDB would open the file without it."""
    Store.open("plain").record_training(a_training(), [], weights())
    Path("plain/results.duckdb.wal").write_bytes(b"committed")
    Path("plain").rename("what?")
    with pytest.raises(StoreError, match=r"holds commits in results.duckdb.wal, .* move the store to a path without"):
        Store.open("what?").training("t1")
    assert Path("what?/results.duckdb.wal").read_bytes() == b"committed"
