#!/usr/bin/env bash
# Versions: h5py 3.16.0, ml_dtypes 0.5.4, NumPy 2.4.6.
# Expected: h5py refuses an array of bfloat16 with a TypeError, as HDF5 has no such type.
# Seen: it is written without a word as two opaque bytes each, and comes back as |V2, which is neither a number nor bfloat16: means and
#     comparisons with numbers fail, and nothing in the file says what the bytes were.
# Matters: weights or latents in half precision of this kind that are kept in HDF5 lose their type. Store float32, or view the bytes
#     as bfloat16 after reading, if you still know that they are.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check h5py==3.16.0 ml_dtypes==0.5.4 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import h5py
import ml_dtypes
import numpy as np

given = np.array([1, 2.5, -3], dtype=ml_dtypes.bfloat16)
with h5py.File("a.h5", "w") as file:
    file["z"] = given
with h5py.File("a.h5") as file:
    back = file["z"][:]
    print(file["z"].dtype, back, "attributes:", dict(file["z"].attrs))
    assert file["z"].dtype == np.dtype("V2") and not file["z"].attrs
assert np.array_equal(back.view(ml_dtypes.bfloat16), given)
try:
    back.astype(np.float32)
except (TypeError, ValueError) as error:
    print("astype(float32):", type(error).__name__, error)
else:
    print("astype(float32):", back.astype(np.float32))
PYTHON
