#!/usr/bin/env bash
# Versions: disentanglement_lib 1.5, Pillow 9.5.0, numpy 1.26.4.
# Expected: its reader of SmallNORB gives the photographs as 64 x 64, from 0 to 1.
# Seen: it declares the bytes signed, of which Pillow makes an image of 32-bit integers (mode "I"). Lanczos' filter is not cut off
#     there: around a white square on black, values run from -0.09 to 1.17. The same bytes as unsigned give 0 to 1.
# Matters: a Bernoulli likelihood is undefined for such pixels, and pixel errors are not those of a reader that stays in [0, 1].
# The functions are taken from its module as they are, since the module imports TensorFlow 1, of which they only open a file. It
# needs NumPy before 2.4 and Pillow before 10, in both of which the functions fail otherwise.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 pillow==9.5.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps disentanglement_lib==1.5
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import ast
import importlib.util
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image

package = Path(importlib.util.find_spec("disentanglement_lib").origin).parent
names = {"np": np, "PIL": PIL, "tf": SimpleNamespace(gfile=SimpleNamespace(GFile=open))}
for part in ast.parse((package / "data/ground_truth/norb.py").read_text()).body:
    if isinstance(part, ast.FunctionDef):
        exec(compile(ast.Module([part], []), "norb.py", "exec"), names)

pair = np.zeros((1, 2, 96, 96), np.uint8)
pair[..., 41:50, 41:50] = 255
Path("dat.mat").write_bytes(struct.pack("<6i", 0x1E3D4C55, 4, *pair.shape) + pair.tobytes())
stored = names["_read_binary_matrix"]("dat.mat")
theirs = names["_resize_images"](stored[:, 0])
ours = np.asarray(PIL.Image.fromarray(pair[0, 0]).resize((64, 64), PIL.Image.LANCZOS)) / 255
print(stored.dtype, "from %.3f to %.3f" % (theirs.min(), theirs.max()))
print(pair.dtype, "from %.3f to %.3f" % (ours.min(), ours.max()))
assert stored.dtype == np.int8
assert theirs.min() < -0.08 and theirs.max() > 1.16
assert ours.min() == 0 and ours.max() == 1
PYTHON
