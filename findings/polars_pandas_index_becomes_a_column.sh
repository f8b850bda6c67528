#!/usr/bin/env bash
# Versions: polars 2.1.0, pandas 3.1.1, pyarrow 26.0.1, numpy 2.4.6.
# Expected: a Parquet file that polars read and wrote again without a change still has the pandas index as an index.
# Seen: the row numbers that pandas keeps of a filtered frame ("__index_level_0__") come back as a column of numbers like any
#     other, because polars drops the note in the file that says which columns are the index.
# Matters: that column usually has the greatest variance of all. A VAE on the table learns the row number first, and it is the most
#     relevant latent. Leave such a column out by its name, or reset the index before saving.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pandas as pd
import polars as pl

frame = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) ** 2})
frame.iloc[[4, 5, 7, 9]].to_parquet("first.parquet")
pl.read_parquet("first.parquet").write_parquet("second.parquet")
first, second = (pd.read_parquet(name) for name in ("first.parquet", "second.parquet"))
print("polars", pl.__version__, "pandas", pd.__version__)
print("written by pandas:", list(first.columns), "index from", first.index[0])
print("after polars:", list(second.columns), "index from", second.index[0])
assert list(first.columns) == ["a", "b"] and first.index[0] == 4
assert sorted(second.columns) == ["__index_level_0__", "a", "b"]
assert second.index[0] == 0
PYTHON
