#!/usr/bin/env bash
# Versions: DuckDB 2.0.0, NumPy 2.4.6, pandas 3.1.1.
# Expected: a NULL inside a list column arrives in pandas as NaN, as it does in a column of plain numbers.
# Seen: that row is a masked array among plain ones, and what people do next, numpy.stack of the column or numpy.array of its list,
#     takes the mask away: the missing number is 0.0.
# Matters: latents or curves with a value missing get one that nobody measured. Take to_arrow_table(), or fill before stacking.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 numpy==2.4.6 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import duckdb
import numpy as np

frame = duckdb.sql("select * from (values ([1, NULL, 3]::FLOAT[], 1.5), ([4, 5, 6]::FLOAT[], NULL)) t(z, plain)").df()
print([type(row).__name__ for row in frame.z])
stacked = np.stack(frame.z.to_numpy())
listed = np.array(frame.z.tolist())
print("numpy.stack:", np.ma.getdata(stacked).tolist(), "masked:", np.ma.getmaskarray(stacked).any())
print("numpy.array:", listed.tolist())
assert np.isnan(frame.plain[1])
assert np.ma.getdata(stacked)[0, 1] == 0 and not np.ma.getmaskarray(stacked).any()
assert listed[0, 1] == 0
PYTHON
