"""Stores at odd paths: they work, or are refused before anything is made."""

from pathlib import Path

import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.core.errors import StoreError
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


@pytest.mark.parametrize("is_whole", [False, True], ids=["from here", "from the root"])
@pytest.mark.parametrize("name", WORKS, ids=repr)
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
    assert {each.name for each in tmp_path.iterdir()} == {"below", Path(tmp_path / name).resolve().name}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "what?n=1",
            r"the path of store '.*/what\?n=1' holds a question mark, which DuckDB cannot open; name an",
        ),
        ("a?/b", "holds a question mark"),
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


def test_a_question_mark_above_the_store_is_refused(tmp_path, monkeypatch):
    (tmp_path / "why?").mkdir()
    monkeypatch.chdir(tmp_path / "why?")
    with pytest.raises(StoreError, match=r"the path of store '.*/why\?/vaehub-store' holds a question mark"):
        Store.open()
    assert list(Path().iterdir()) == []
