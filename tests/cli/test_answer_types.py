"""Answers to queries hold every type of DuckDB, in every format."""

import csv
import io
import json
from decimal import Decimal

import duckdb
import pytest
from pyarrow import parquet

from vaehub import VaehubError
from vaehub.cli import answers, tables
from vaehub.hub.views import Rows
from vaehub.store.query import query

CASES = {
    "list": ("[1, 2]", "[1, 2]", [1, 2]),
    "empty list": ("[]::int[]", "[]", []),
    "missing list": ("null::int[]", "", None),
    "list of text": ("['a,\"b', 'é\n']", '["a,\\"b", "é\\n"]', ['a,"b', "é\n"]),
    "list of numbers": ("[1.5, 'nan'::double, null]", "[1.5, null, null]", [1.5, None, None]),
    "array": ("[1.5, 2]::double[2]", "[1.5, 2.0]", [1.5, 2.0]),
    "struct": ("{'a': 1, 'b': 'x'}", '{"a": 1, "b": "x"}', {"a": 1, "b": "x"}),
    "nested": ("[{'a': map {'k': [1]}, 'b': null}]", '[{"a": {"k": [1]}, "b": null}]', [{"a": {"k": [1]}, "b": None}]),
    "map": ("map {'k': 1, 'l': 2}", '{"k": 1, "l": 2}', {"k": 1, "l": 2}),
    "empty map": ("map([]::varchar[], []::int[])", "{}", {}),
    "map of dates": ("map {date '2026-01-02': 1}", '{"2026-01-02": 1}', {"2026-01-02": 1}),
    "map of lists": ("map {[1]: 2}", '{"[1]": 2}', {"[1]": 2}),
    "tuple": ("row(1, 'a')", '{"element1": 1, "element2": "a"}', {"element1": 1, "element2": "a"}),
    "interval": ("interval '3 days 04:05:06.5'", "3 days 04:05:06.5", "3 days 04:05:06.5"),
    "intervals": ("[interval 1 day]", '["1 day"]', ["1 day"]),
    "map of intervals": (
        "map {interval 1 day: {'a\"b': [interval 2 day]}}",
        '{"1 day": {"a\\"b": ["2 days"]}}',
        {"1 day": {'a"b': ["2 days"]}},
    ),
    "array of intervals": ("[interval 1 day]::interval[1]", '["1 day"]', ["1 day"]),
    "union": ("union_value(n := 1)", "1", "1"),
    "bits": ("'0101'::bit", "0101", "0101"),
    "bytes": ("'\\x00\\xFF\"a'::blob", "\\x00\\xFF\\x22a", "\\x00\\xFF\\x22a"),
    "uuid": ("'00112233-4455-6677-8899-aabbccddeeff'::uuid", *["00112233-4455-6677-8899-aabbccddeeff"] * 2),
    "decimal": ("1.10::decimal(10, 2)", "1.10", 1.1),
    "sum of integers": ("sum(3)", "3", 3),
    "huge integer": (f"{2**127 - 1}::hugeint", str(2**127 - 1), 2**127 - 1),
    "larger integer": (f"'{10**50}'::bignum", str(10**50), str(10**50)),
    "date": ("date '2026-01-02'", "2026-01-02", "2026-01-02"),
    "time": ("time '01:02:03'", "01:02:03.000000", "01:02:03"),
    "time of a zone": ("'01:02:03+02'::timetz", "01:02:03+02", "01:02:03+02"),
    "time in nanoseconds": ("'01:02:03.123456789'::time_ns", "01:02:03.123456789", "01:02:03.123456789"),
    "timestamp": ("timestamp '2026-01-02 03:04:05'", "2026-01-02 03:04:05.000000", "2026-01-02 03:04:05"),
    "timestamp in seconds": ("'2026-01-02 03:04:05'::timestamp_s", "2026-01-02 03:04:05", "2026-01-02 03:04:05"),
    "enum": ("'a'::enum('a', 'b')", "a", "a"),
    "json": ("'{\"a\": 1}'::json", '{"a": 1}', {"a": 1}),
    "missing json": ("null::json", "", None),
    "truth": ("true", "true", True),
    "missing": ("null", "", None),
}


def asked(expression: str) -> Rows:
    with duckdb.connect(config={"threads": 1}) as connection:
        return Rows(query(connection, f"select {expression} as v"))


@pytest.mark.parametrize(("expression", "cell", "value"), CASES.values(), ids=CASES)
def test_a_value_of_every_type_is_written(expression, cell, value, tmp_path, capsysbinary):
    rows = asked(expression)
    answers.write(rows, "csv", tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert found == [["v"], [cell]] if cell else found[0] == ["v"]
    answers.write(rows, "json", None)
    assert json.loads(capsysbinary.readouterr().out) == [{"v": value}]
    answers.write(rows, "parquet", tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == 1


@pytest.mark.parametrize("form", ["csv", "json", "table"])
@pytest.mark.parametrize("expression", ["'infinity'::date", "'infinity'::timestamp"])
def test_a_date_that_only_the_database_holds_is_refused_by_column(expression, form, tmp_path):
    rows = asked(expression)
    with pytest.raises(VaehubError, match=r"column 'v' holds a date that cannot be written here; ask for it as text"):
        tables.table(rows.columns, rows) if form == "table" else write(rows, form, tmp_path)
    assert list(asked(f"({expression})::varchar")) == [("infinity",)]


def write(rows: Rows, form: str, folder) -> None:
    answers.write(rows, form, folder / "rows.csv" if form == "csv" else None)


def test_columns_of_one_name_are_kept_or_refused(tmp_path):
    rows = asked("interval 1 day as v, 2")
    answers.write(rows, "csv", tmp_path / "rows.csv")
    assert list(csv.reader(io.StringIO((tmp_path / "rows.csv").read_text()))) == [["v", "v"], ["1 day", "2"]]
    with pytest.raises(VaehubError, match="two columns are named 'v', and JSON can hold one; name the other with 'as'"):
        answers.write(rows, "json", None)


def test_tables_show_what_is_nested_as_json(capsys):
    rows = asked("map {'k': [1, 2]} as a, '\\xFF'::blob")
    tables.table(rows.columns, rows)
    assert capsys.readouterr().out.splitlines()[2].split() == ['{"k":', "[1,", "2]}", "\\xFF"]


def test_rows_of_python_hold_maps_as_dictionaries():
    assert list(asked("map {'k': 1} as v, [map {'k': 2}] as w, 1.10::decimal(10, 2)")) == [
        ({"k": 1}, [{"k": 2}], Decimal("1.10"))
    ]


def test_what_parquet_cannot_hold_is_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_text("old")
    with pytest.raises(VaehubError, match="the answer cannot be written as parquet: .*; ask for the column as text"):
        answers.write(asked("map {}"), "parquet", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_csv_quotes_only_what_needs_it(tmp_path):
    text = """
        select * from (values
            ('plain words', 1.5::double, 1), ('a,b', 'nan'::double, null), ('say "it"', null, 3),
            ('', 'inf'::double, 4), (null, -0.1, 5), (e'two\\nlines', 1e300, 6)
        ) as t("a, b", x, n)
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = Rows(query(connection, text))
    answers.write(rows, "csv", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == (
        '"a, b",x,n\nplain words,1.5,1\n"a,b",nan,\n"say ""it""",,3\n"",inf,4\n,-0.1,5\n"two\nlines",1e+300,6\n'
    )


def test_a_line_of_csv_is_never_empty(tmp_path):
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = Rows(query(connection, "select * from (values (1), (null), (3)) as t(n)"))
    answers.write(rows, "csv", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == 'n\n1\n""\n3\n'


def test_parquet_of_an_answer_has_every_nan_for_duckdb(tmp_path):
    rows = asked("unnest([1.0, 'nan'::double, 2.0])")
    answers.write(rows, "parquet", tmp_path / "rows.parquet")
    with duckdb.connect() as connection:
        place = tmp_path / "rows.parquet"
        assert connection.execute(f"select count(*) from '{place}' where isnan(v)").fetchall() == [(1,)]


def test_integers_beside_nothing_keep_their_digits_in_pandas():
    pytest.importorskip("pandas")
    large = 2**60 + 1
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = Rows(query(connection, f"from (values ({large}, 1, 0.5), (null, 2, null)) as t(n, m, x)"))
    found = rows.to_pandas()
    assert found["n"][0] == large
    assert found["n"].isna().tolist() == [False, True]
    assert [str(kind) for kind in found.dtypes][1:] != ["object", "object"]
