#!/usr/bin/env bash
# Versions: DuckDB 2.0.0, pyarrow 26.0.1, polars 2.1.0.
# Expected: a Parquet file that DuckDB wrote of a FLOAT[3] column with a row that is NULL is read by pyarrow: two rows, one of them null.
# Seen: pyarrow refuses it ("Length spanned by list offsets (5) larger than values array (length 3)"). DuckDB reads it. Without the
#     NULL, or as FLOAT[] in place of FLOAT[3], pyarrow reads it too.
# Matters: a table of latents or embeddings with one row missing, exported by COPY, cannot be opened by pandas. Cast to FLOAT[] first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1 polars==2.1.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

con = duckdb.connect()
cases = {
    "array": "values ([1, 2, 3]::FLOAT[3]), (NULL::FLOAT[3])",
    "list": "values ([1, 2, 3]::FLOAT[]), (NULL::FLOAT[])",
    "whole": "values ([1, 2, 3]::FLOAT[3]), ([4, 5, 6]::FLOAT[3])",
}
read: dict[str, object] = {}
for name, rows in cases.items():
    con.execute(f"copy (select z from ({rows}) t(z)) to '{name}.parquet'")
    try:
        read[name] = pq.read_table(f"{name}.parquet")["z"].to_pylist()
    except pa.ArrowInvalid as error:
        read[name] = error
    try:
        second: object = polars.read_parquet(f"{name}.parquet")["z"].to_list()
    except Exception as error:
        second = f"{type(error).__name__}: {error}"
    print(name, "- pyarrow:", read[name], "- polars:", second, "- DuckDB:", con.sql(f"from '{name}.parquet'").fetchall())
assert isinstance(read["array"], pa.ArrowInvalid)
assert read["list"] == [[1, 2, 3], None] and read["whole"] == [[1, 2, 3], [4, 5, 6]]
assert con.sql("from 'array.parquet'").fetchall()[1] == (None,)
PYTHON
