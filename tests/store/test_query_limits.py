"""What a reader's SQL must not reach, beyond what anybody would try by accident."""

import duckdb
import pytest
from stored_samples import a_measurement, a_result, a_training, weights

from vaehub.core.errors import StoreError, VaehubError
from vaehub.store.store import Store

WRITES = [
    "truncate trainings",
    "merge into trainings using (select 1) on false when not matched then insert default values",
    "insert into epochs values ('t', 0, 'train', 'total', 1) returning *",
    "create temp table t as select 1",
    "create macro f() as 1",
    "create secret (type s3)",
    "comment on table trainings is 'mine'",
    "prepare p as delete from trainings",
    "execute p",
    "begin",
    "vacuum",
    "set variable a = 1",
    "reset threads",
    "use memory",
    "detach results",
    "import database 'planted'",
    "copy (select 1) to 'stolen.csv'",
]
HIDDEN_WRITES = [
    "with gone as (delete from trainings returning *) from gone",
    "explain analyze insert into epochs values ('t', 0, 'train', 'total', 1)",
    "explain analyze copy (select 1) to 'stolen.csv'",
    # DuckDB lets a query reach the database's own file, and what it calls its log.
    "explain analyze copy (select 1) to 'store/results.duckdb'",
    "explain analyze copy (select 1) to 'store/results.duckdb.wal'",
    "explain analyze set enable_external_access = true",
    "from query('delete from trainings')",
    "from force_checkpoint()",
    "from enable_logging(storage = 'file', storage_path = 'stolen')",
]
OUTSIDE = [
    "from read_blob('planted.csv')",
    "from read_json('planted.csv')",
    "from read_parquet('planted.csv')",
    "from sniff_csv('planted.csv')",
    "from query('from read_csv(''planted.csv'')')",
    "from query_table('planted.csv')",
    "from 'planted.duckdb'",
    "from read_duckdb('planted.duckdb')",
    "from read_csv('https://example.org/planted.csv')",
    "from 'https://example.org/planted.csv'",
    "select (select content from read_text('planted.csv'))",
    "describe 'planted.csv'",
    "summarize 'planted.csv'",
    "pivot 'planted.csv' on secret",
    "from 'planted.csv'",
    "from duckdb_secrets()",
    "from duckdb_extensions()",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store, and files beside it that no query may see."""
    made = tmp_path_factory.mktemp("limits")
    store = Store.open(made / "store")
    store.prepare()
    store.record_training(a_training(), [{"train": {"total": 1.0}}], weights())
    store.record_measurement(a_measurement(), a_result())
    (made / "planted.csv").write_text("secret\n1\n")
    with duckdb.connect(made / "planted.duckdb") as connection:
        connection.execute("create table secret as select 1 as secret")
    return made


@pytest.fixture
def planted(folder, monkeypatch):
    """The store in that folder, which all tests share because none of them may change it."""
    monkeypatch.chdir(folder)
    return Store.open("store")


def everything(path):
    return {each.relative_to(path): each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize("query", WRITES + HIDDEN_WRITES + OUTSIDE)
def test_no_query_changes_a_file_anywhere(planted, folder, query):
    if query == "from duckdb_secrets()":
        skip_other_words(query)  # DuckDB 1 says that there are none
    before = everything(folder)
    with pytest.raises(VaehubError):
        planted.query(query)
    assert everything(folder) == before


BEFORE_2 = duckdb.__version__ < "2"
"""What earlier versions refuse in other words."""
IN_OTHER_WORDS = {
    "import database 'planted'",
    "from 'planted.duckdb'",
    "from read_duckdb('planted.duckdb')",
    "pivot 'planted.csv' on secret",
    "from duckdb_secrets()",
    "select ?",
}


def skip_other_words(query):
    if BEFORE_2 and query in IN_OTHER_WORDS:
        pytest.skip("DuckDB 1 refuses it in other words")


@pytest.mark.parametrize("query", WRITES)
def test_a_statement_that_is_no_query_is_refused_by_its_kind(planted, query):
    skip_other_words(query)
    with pytest.raises(
        VaehubError, match=r"^the store can be queried but not changed with SQL, and this is an? [A-Z_]+$"
    ):
        planted.query(query)


@pytest.mark.parametrize("query", OUTSIDE)
def test_a_query_that_reaches_outside_is_told_that_it_cannot(planted, query):
    skip_other_words(query)
    with pytest.raises(VaehubError, match=r"^a query reads the store and nothing else; files and addresses are out of"):
        planted.query(query)


def test_the_limits_hold_for_the_next_query_as_well(planted):
    with pytest.raises(VaehubError):
        planted.query("set enable_external_access = true")
    with pytest.raises(VaehubError, match="a query reads the store and nothing else"):
        planted.query("from 'planted.csv'")


def test_variables_of_the_program_are_not_visible(planted):
    mine = planted.query("select 1 as n")
    assert mine.num_rows == 1
    with pytest.raises(
        VaehubError, match=r"^the query was not understood: Catalog Error: Table with name mine does not"
    ):
        planted.query("from mine")


@pytest.mark.parametrize(("query", "n"), [("", 0), (" ; ", 0), ("-- nothing", 0), ("select 1; select 2", 2)])
def test_there_is_one_query_at_a_time(planted, query, n):
    with pytest.raises(VaehubError, match=rf"^one query at a time can be asked, got {n}$"):
        planted.query(query)


@pytest.mark.parametrize("query", ["select 1;", "select 1 -- the one", "  select 1 ; ; "])
def test_one_query_may_be_written_in_any_way(planted, query):
    assert planted.query(query).num_rows == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selec 1", 'Parser Error: syntax error at or near "selec"'),
        ("select 'x'::int", "Conversion Error: Could not convert string 'x'"),
        ("select ?", "Values were not provided"),
        ("from trainngs", "trainngs does not exist"),
    ],
)
def test_what_was_not_understood_is_said_in_one_line(planted, query, words):
    skip_other_words(query)
    with pytest.raises(VaehubError, match=r"^the query was not understood: ") as caught:
        planted.query(query)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_no_unicode_is_refused(planted):
    # This is how Python hands over an argument that is not UTF-8.
    with pytest.raises(VaehubError):
        planted.query("select '\udcff'")


def test_the_answer_has_the_values_that_were_stored(filled):
    found = filled.query("select name, value from results where index_name is null or index = 0 order by name")
    assert found.to_pylist() == [
        {"name": "cka", "value": 0.5},
        {"name": "kl", "value": 0.5},
        {"name": "n_active", "value": 2.0},
    ]


@pytest.mark.parametrize("values", ["", " in (cka, kl, n_active)"])
def test_a_pivot_has_a_column_for_each_name(filled, values):
    query = f"pivot results on name{values} using count(*) group by metric"
    if BEFORE_2 and not values:
        with pytest.raises(VaehubError, match="got 2; before DuckDB 2 a PIVOT is one if it lists the values"):
            filled.query(query)
        return
    found = filled.query(query)
    assert found.to_pylist() == [{"metric": "relevance", "cka": 2, "kl": 3, "n_active": 1}]


def test_a_store_that_is_not_there_cannot_be_queried_and_is_not_made(tmp_path):
    words = r"^there is no store at '.*none'; 'vaehub run' makes one, '--store' names another$"
    with pytest.raises(StoreError, match=words):
        Store.open(tmp_path / "none").query("select 1")
    assert not (tmp_path / "none").exists()
