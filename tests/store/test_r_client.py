"""R's package duckdb, where there is one, opens a store and reads what was recorded.

Seen with the package's releases 1.3.2, 1.4.4 and 1.5.5 on R 4.2.2: their R and C++ sources, compiled and linked with
the official library of DuckDB of the same commit, and only those extensions loaded that the package has built in
(Parquet and core functions, no JSON). DBI was Debian's 1.1.3, and 1.2.3 for 1.5.5.
"""

import math
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from stored_samples import RECIPE, STARTED, a_measurement, a_result, a_training, weights

from vaehub.core.result import Result
from vaehub.store.store import Store

QUERIES = (
    "from results",
    "from trainings",
    "from measurements",
    "from arrays",
    "from epochs",
    "from signatures",
    "from study_results",
    "select name, index, mean, sd, n from summary order by all",
    "select index, keys, value from results where index is null or keys is null or isnan(value)",
    "select seed::varchar as seed from results",
)
SIMILARITY = "select cka(a.signature, b.signature) as s from signatures as a, signatures as b order by s"
ASK = """
asked <- commandArgs(TRUE)
told <- function(x) {
  if (is.data.frame(x)) do.call(paste, c(lapply(x, told), sep = "\\t"))
  else if (is.list(x)) vapply(x, function(each) if (is.null(each)) "NULL" else paste(told(each), collapse = ","), "")
  else if (inherits(x, "POSIXct")) sprintf("%.6f", as.numeric(x))
  else if (is.numeric(x)) ifelse(is.na(x) & !is.nan(x), "NULL", sprintf("%.17g", x))
  else ifelse(is.na(x), "NULL", x)
}
# Nothing is downloaded: what is not built in is missing, as it is where there is no network.
alone <- list(autoinstall_known_extensions = "false", autoload_known_extensions = "false")
connection <- DBI::dbConnect(duckdb::duckdb(asked[1], read_only = TRUE, config = alone))
for (query in asked[-1]) writeLines(c(paste("==", query), told(DBI::dbGetQuery(connection, query))))
writeLines(c("== tables", DBI::dbListTables(connection)))
DBI::dbDisconnect(connection, shutdown = TRUE)
"""


def told(value):
    """Return a value as the script above writes it; R has whole numbers as floating-point numbers."""
    match value:
        case None:
            return "NULL"
        case dict():
            return "\t".join(map(told, value.values()))
        case list():
            return ",".join(map(told, value))
        case datetime():
            return f"{value.replace(tzinfo=UTC).timestamp():.6f}"
        case str():
            return value
    return {"nan": "NaN", "inf": "Inf", "-inf": "-Inf"}.get(text := f"{float(value):.17g}", text)


@pytest.fixture
def rscript():
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("there is no Rscript here")
    loaded = subprocess.run(
        [program, "-e", "library(DBI); library(duckdb)"], capture_output=True, text=True, check=False
    )
    if loaded.returncode:
        pytest.skip(f"R has no package duckdb here: {loaded.stderr.strip().splitlines()[-1:]}")
    return program


@pytest.mark.slow
def test_r_reads_the_same(rscript, tmp_path):
    store = Store.open(tmp_path / "store")
    recipe = RECIPE | {"seed": 2**53 + 1}
    training = a_training(recipe=recipe, started=STARTED.replace(microsecond=123457))
    store.record_training(training, [{"train": {"total": 1.0, "kl": 0.1}}], weights())
    store.record_measurement(a_measurement(), a_result())
    undefined = Result(scalars={"undefined": math.nan, "infinite": math.inf, "least": 5e-324})
    store.record_measurement(a_measurement("m2", training=None, subject={"recipe": RECIPE}), undefined)
    script = tmp_path / "ask.R"
    script.write_text(ASK)
    command = [rscript, str(script), str(store.path / "results.duckdb"), *QUERIES, SIMILARITY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(
        part.split("\n", 1) for part in done.stdout.removeprefix("== ").rstrip("\n").split("\n== ") if "\n" in part
    )
    assert {"results", "signatures", "trainings"} <= set(found["tables"].split())
    for query in QUERIES:
        ours = sorted(told(row) for row in store.query(query).to_pylist())
        if ours:  # of the others it is enough that R can ask them
            assert sorted(found[query].split("\n")) == ours, query
    similarity = [row["s"] for row in store.query(SIMILARITY).to_pylist()]
    # Sums of single precision, which another version may add up in another order.
    assert [float(each) for each in found[SIMILARITY].split("\n")] == pytest.approx(similarity, rel=1e-5, abs=1e-6)
    assert "9007199254740993" in found["select seed::varchar as seed from results"]
