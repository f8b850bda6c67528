"""SQL: reads the store, and nothing else."""

import pytest

from vaehub import VaehubError


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from results",
        "from trainings",
        "with t as (from epochs) select max(value) from t",
        "describe results",
        "show tables",
        "summarize trainings",
        "pivot results on metric in (relevance) using avg(value) group by model",
        "select json_extract(recipe, '$.seed') from trainings",
        "from published",
    ],
)
def test_every_way_to_ask_is_understood(filled, query):
    assert filled.query(query).num_columns > 0


@pytest.mark.parametrize(
    "query",
    [
        "insert into epochs values ('a', 1, 'b', 'c', 1)",
        "update trainings set seed = 1",
        "delete from measurements",
        "drop table trainings",
        "create table t (n int)",
        "create view v as select 1",
        "alter table trainings add column c int",
        "copy trainings to 'stolen.csv'",
        "copy trainings from 'planted.csv'",
        "export database 'stolen'",
        "attach 'other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma enable_profiling",
        "call pragma_version()",
        "checkpoint",
        "explain select 1",
        "explain analyze delete from measurements",
        "select * from read_csv('planted.csv')",
        "select * from read_text('/etc/hostname')",
        "select * from glob('*')",
        "from 'planted.csv'",
        "from 'planted.parquet'",
        "from filled",
        "from planted",
        "selec 1",
        "select nope from results",
        "select 1; select 2",
        "select 1; delete from measurements",
        "",
        "   ",
    ],
)
def test_what_writes_or_reaches_out_or_is_wrong_is_refused_and_changes_nothing(filled, tmp_path, query):
    planted = tmp_path / "planted.csv"
    planted.write_text("secret\n1\n")
    before = (filled.path / "results.duckdb").read_bytes()
    with pytest.raises(VaehubError) as caught:
        filled.query(query)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert (filled.path / "results.duckdb").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"store", "planted.csv"}


def test_what_was_wrong_is_said(filled):
    with pytest.raises(VaehubError, match=r"not understood: Binder Error: Referenced column .nope. not found"):
        filled.query("select nope from results")
    with pytest.raises(VaehubError, match="can be queried but not changed with SQL, and this is a DELETE"):
        filled.query("delete from results")
    with pytest.raises(VaehubError, match="a query reads the store and nothing else"):
        filled.query("from read_text('/etc/hostname')")
