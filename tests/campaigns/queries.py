"""Any query ends in an answer or a sentence, in every format, and changes nothing."""

import hashlib
from pathlib import Path

from hypothesis import strategies as st
from processes import command

from .arguments import Vector, answered, drawn
from .findings import Findings

TABLES = {
    "results": ("*", "model", "metric", "name", "value", "index", "seed", "latent_dim", "nothing", "null"),
    "summary": ("*", "model", "metric", "name", "mean", "sd", "n", "latent_dim"),
    "measurements": ("*", "id", "metric", "params", "seed", "subject", "started", "seconds"),
    "trainings": ("*", "id", "recipe", "latent_dim", "notes", "started", "provenance"),
    "epochs": ("*", "training", "epoch", "name", "value"),
    "nothing": ("*",),
}
CALLS = (
    *("{}", "{}", "{}", "count({})", "list({})", "struct_pack(a := {})", "cast({} as varchar)", "[{}]", "max({})"),
    *("cast({} as integer)", "{} / 0", "-{}", "upper({})", "to_json({})", "map([1], [{}])", "cast({} as interval)"),
    *("now() - {}", "cast({} as blob)", "date '5000000-01-01'", "'nan'::float", "{}::uuid", "row_number() over ()"),
)
ENDS = (
    "",
    "",
    "",
    "where name > 0",
    "limit 3",
    "order by all",
    "group by all",
    "limit -1",
    "where",
    ";",
    "; select 1",
    "-- x",
)
OTHERS = (
    *("describe results", "show tables", "summarize results", "from results", "pivot results on name using avg(value)"),
    *("delete from results", "drop table trainings", "copy results to 'x.csv'", "from 'x.csv'", "attach 'x'", "", "("),
    *("set threads = 1", "pragma version", "explain select 1", "install json", "begin", "checkpoint", "select $1"),
)
FORMATS = (("--json",), ("--format", "csv"), ("--format", "table"), ("--format", "parquet", "--output", "x.parquet"))


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Ask so many queries of a store with one training and two measurements, through the command line."""
    settings = ("--set", "train.epochs=1", "--set", "model.latent_dim=3")
    store = folder / "store"
    asked = ("run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", *settings, "--store", str(store))
    command(*asked).check_returncode()
    before = _digest(store)
    made = drawn(_queries(), n, seed)
    queries = [("sql", query, *form, "--timeout", "20", "--store", str(store)) for query, form in made]
    found = answered(queries, folder, found)
    found.expect(_digest(store) == before, "the database was changed")
    return found


def _queries() -> st.SearchStrategy[tuple[str, Vector]]:
    select = st.sampled_from(sorted(TABLES)).flatmap(_selects)
    text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)
    cut = st.builds(lambda query, at: query[:at], select, st.integers(0, 60))
    return st.tuples(select | select | select | cut | st.sampled_from(OTHERS) | text, st.sampled_from(FORMATS))


def _selects(table: str) -> st.SearchStrategy[str]:
    value = st.builds(str.format, st.sampled_from(CALLS), st.sampled_from(TABLES[table]))
    some = st.lists(value, min_size=1, max_size=2).map(", ".join)
    return st.builds(f"select {{}} from {table} {{}}".format, some, st.sampled_from(ENDS))


def _digest(store: Path) -> str:
    return hashlib.sha256((store / "results.duckdb").read_bytes()).hexdigest()
