"""Long answers are written in little memory, and keep nobody waiting meanwhile."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet

from vaehub import VaehubError
from vaehub.cli import answers
from vaehub.core.errors import WorkFailed
from vaehub.store import spill
from vaehub.store.query import query, spilled
from vaehub.store.store import Store

QUERY = "select range as n, 'text of some length ' || range as t, random() as x, [range] as l from range({})"
MANY = 300_000
# What the process had at most since it began; the figure of getrusage would hold that of the test's own process, too,
# which it was forked from.
PEAK = """
import sys
from vaehub.cli.main import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""


def asked(store, form, n, output=None, stdout=subprocess.DEVNULL):
    """Return the peak of memory, in MB, of a process that answers a query of so many rows."""
    more = ["--output", str(output)] if output else []
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "sql", QUERY.format(n), "--format", form, "--store", str(store), *more],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "store"
    Store.open(path).prepare()
    return path


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc")
@pytest.mark.parametrize(
    ("form", "n"), [pytest.param("json", MANY // 3, marks=pytest.mark.longest), ("csv", MANY // 3), ("parquet", MANY)]
)
def test_memory_does_not_grow_with_the_answer(form, n, place, tmp_path):
    """Both answers are longer than what is kept in memory, and of Parquet than a group of rows."""
    few, many = (asked(place, form, each, tmp_path / "rows" if form != "json" else None) for each in (n, 3 * n))
    assert many < few + 20
    assert many < 240


@pytest.mark.slow
def test_a_long_answer_is_whole_in_every_format(place, tmp_path):
    asked(place, "csv", MANY, tmp_path / "rows.csv")
    asked(place, "parquet", MANY, tmp_path / "rows.parquet")
    with (tmp_path / "rows.json").open("w") as file:
        asked(place, "json", MANY, stdout=file)
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n"]) for row in rows] == list(range(MANY))
    assert rows[-1]["l"] == f"[{MANY - 1}]"
    assert parquet.read_table(tmp_path / "rows.parquet")["n"].to_pylist() == list(range(MANY))
    assert [row["n"] for row in json.loads((tmp_path / "rows.json").read_text())] == list(range(MANY))


def test_a_writer_does_not_wait_for_who_reads_slowly(place):
    """The reader takes nothing, so that the process that answers cannot end; the store is free all the same."""
    command = [
        sys.executable,
        "-c",
        "from vaehub.cli.main import main; main()",
        "sql",
        QUERY.format(100_000),
        "--json",
        "--store",
        str(place),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.read(1) == b"["
            with Store.open(place, timeout=20).burst():
                assert process.poll() is None
            process.stdout.close()  # whoever reads has read enough
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("size", [0, 1, 5000])
def test_what_was_kept_on_disk_is_what_was_kept_in_memory(form, size, tmp_path, monkeypatch):
    text = f"select range as n, interval 1 day as v, range % 3 as v, 'a'::enum('a', 'b') as e from range({size})"
    with duckdb.connect(config={"threads": 1}) as connection:
        whole = query(connection, text)
        monkeypatch.setattr(spill, "IN_MEMORY", 100)
        with spilled(connection, text) as kept:
            streamed = answers.Streamed(kept)
            assert streamed.columns == whole.column_names
            answers.write(streamed, form, tmp_path / "streamed")
    answers.write(answers.Rows(whole), form, tmp_path / "whole")
    if form == "csv":
        assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()
    else:
        found = [parquet.ParquetFile(tmp_path / name).read() for name in ("streamed", "whole")]
        assert found[0].num_rows == size
        assert found[0].equals(found[1])


def shown(text, capsys):
    """Return the rows that a table shows, as lines, and what is said below it."""
    with duckdb.connect(config={"threads": 1}) as connection, spilled(connection, text) as kept:
        answers.show(answers.Streamed(kept))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    below = [line for line in lines if "rows;" in line]
    return [line for line in lines[2:] if line not in below], below


def test_a_table_shows_the_first_thousand_rows_and_how_many_there_are(capsys):
    rows, below = shown("select range as n from range(54321)", capsys)
    assert rows == [str(n) for n in range(1000)]
    assert below == ["1,000 of 54,321 rows; '--format csv' and '--json' give all"]
    rows, below = shown("select range as n from range(1000)", capsys)
    assert (len(rows), below) == (1000, [])
    assert shown("select 1 as n where false", capsys) == ([], [])


def test_of_a_table_only_the_rows_shown_become_objects(capsys, monkeypatch):
    """All others are counted in blocks, so that memory does not grow with them."""
    seen, rows_of = [], answers.Rows.__iter__
    monkeypatch.setattr(answers.Rows, "__iter__", lambda self: seen.append(len(self)) or rows_of(self))
    shown("select range as n from range(54321)", capsys)
    assert sum(seen) == 1000


LATE = {
    "error('wrong at last')": (VaehubError, "^the query was not understood: Invalid Input Error: wrong at last"),
    "'x'::int": (VaehubError, "^the query was not understood: Conversion Error: Could not convert string 'x'"),
}


@pytest.mark.parametrize("expression", LATE)
def test_what_goes_wrong_in_a_late_row_is_told_as_in_the_first(expression):
    kind, words = LATE[expression]
    text = f"select case when range = 50000 then {expression} else 1 end from range(100000)"
    with duckdb.connect(config={"threads": 1}) as connection, pytest.raises(kind, match=words) as caught:
        spilled(connection, text)
    assert not isinstance(caught.value, WorkFailed)


def test_a_long_answer_is_given_up_when_its_time_is_over():
    text = "select a.range from range(10000000) as a, range(10000000) as b where (a.range * b.range) % 7 = 3"
    with (
        duckdb.connect(config={"threads": 1}) as connection,
        pytest.raises(WorkFailed, match=r"^the query took more than 0\.5 s and was given up"),
    ):
        spilled(connection, text, 0.5)


def test_a_disk_that_is_full_is_told(monkeypatch):
    class Full(spill.tempfile.SpooledTemporaryFile):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(spill.tempfile, "SpooledTemporaryFile", Full)
    words = "^a long answer is kept in the folder of temporary files, which failed: No space left on device; TMPDIR"
    with duckdb.connect(config={"threads": 1}) as connection, pytest.raises(WorkFailed, match=words):
        spilled(connection, "select 1")


@pytest.mark.parametrize("form", ["json", "table"])
def test_what_no_file_can_be_is_refused_before_the_query(form, tmp_path):
    with pytest.raises(VaehubError, match=f"^a file can be csv or parquet, and '{form}' was asked for; redirect"):
        answers.check(form, tmp_path / "file")


def test_a_place_that_cannot_be_written_is_refused_before_the_query(tmp_path):
    with pytest.raises(VaehubError, match="^the answer cannot be written to"):
        answers.check("csv", tmp_path / "none" / "file.csv")


def test_json_that_python_cannot_read_stays_text(capsys):
    long, deep = "9" * 5000, "[" * 3000 + "]" * 3000
    with duckdb.connect(config={"threads": 1}) as connection:
        found = answers.Rows(
            query(connection, f"select '{long}'::json as long, '{deep}'::json as deep, '[1]'::json as l")
        )
    answers.write(found, "json", None)
    [row] = json.loads(capsys.readouterr().out)
    assert (row["long"], row["deep"]) == (long, deep)
