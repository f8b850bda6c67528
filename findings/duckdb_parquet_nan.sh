#!/usr/bin/env bash
# Versions: duckdb 2.0.0, pyarrow 26.0.1, numpy 2.4.6.
# Expected: a condition counts the same rows in a Parquet file as in a DuckDB table of the same values, NaN among them.
# Seen: pyarrow leaves NaN out of the smallest and largest value that it notes for each row group, as the format asks, and DuckDB
#     takes these for bounds of all values. In the file isnan(x) finds nothing, "x between 2 and 5" also counts the NaN, and max(x)
#     is 3; in the table isnan(x) finds the NaN, between does not count it, and max(x) is NaN. A file that DuckDB wrote itself
#     notes no bounds and gives the answers of the table.
# Matters: a check of results or codes for NaN, run on the file that the training wrote, passes. Read the column into a table
#     first (create table ... as from 'file.parquet'), or test for NaN before writing.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet

values = pyarrow.table({"x": np.array([1.0, 2.0, np.nan, 3.0])})
pyarrow.parquet.write_table(values, "arrow.parquet")
connection = duckdb.connect()
connection.register("memory", values)
connection.execute("create table stored as from memory")
connection.execute("copy stored to 'duckdb.parquet'")
sources = {"table": "stored", "file of pyarrow": "'arrow.parquet'", "file of duckdb": "'duckdb.parquet'"}
found = {
    name: (
        connection.execute(f"select count(*) from {source} where isnan(x)").fetchone()[0],
        connection.execute(f"select count(*) from {source} where x between 2 and 5").fetchone()[0],
        connection.execute(f"select max(x)::varchar from {source}").fetchone()[0],
    )
    for name, source in sources.items()
}
print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__, "numpy", np.__version__)
print("(rows with isnan, rows between 2 and 5, largest)", found)
assert found["table"] == found["file of duckdb"] == (1, 2, "nan")
assert found["file of pyarrow"] == (0, 3, "3.0")
PYTHON
