#!/usr/bin/env bash
# Versions: safetensors 0.8.0, numpy 2.4.6.
# Expected: safetensors.numpy.save_file stores the elements of an array, or refuses one whose memory is in another order, as
#     safetensors.torch does with a tensor that is not contiguous.
# Seen: it stores the memory as it lies, under the shape of the array. A transposed array, and one in Fortran order, come back
#     with the same shape and other elements, without an error.
# Matters: latent codes are often transposed before they are saved (latents x observations), and Fortran order is what pandas and
#     BLAS hand out. Every observation then gets parts of others' codes. Save numpy.ascontiguousarray(codes).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 safetensors==0.8.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

codes = np.arange(12.0).reshape(3, 4)
arrays = {"transposed": codes.T, "fortran": np.asfortranarray(codes), "contiguous": np.ascontiguousarray(codes.T)}
save_file(arrays, "codes.safetensors")
found = load_file("codes.safetensors")
print("numpy", np.__version__, "safetensors", safetensors.__version__)
for name, array in arrays.items():
    print(name, "same shape:", found[name].shape == array.shape, "same elements:", np.array_equal(found[name], array))
assert all(found[name].shape == arrays[name].shape for name in arrays)
assert np.array_equal(found["contiguous"], arrays["contiguous"])
assert not np.array_equal(found["transposed"], arrays["transposed"])
assert not np.array_equal(found["fortran"], arrays["fortran"])
PYTHON
