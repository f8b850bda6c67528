#!/usr/bin/env bash
# Versions: prdc 0.2, NumPy 1.26.4.
# Expected: precision, recall, density and coverage of a set with itself are 1, whatever the set.
# Seen: so for distinct points. Where every point stands six times and k is 5, the distance to the fifth neighbour is 0 up to rounding,
#     and "closer than" is strict: precision is under 0.5 and density nearly 0, of a set with itself.
# Matters: repeated images are common: a generator that collapsed, small binarised images, classes drawn with replacement. Drop
#     copies first, or choose k above the number of copies.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check prdc==0.2 numpy==1.26.4
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io

import numpy as np
from prdc import compute_prdc


def with_itself(x: np.ndarray) -> dict[str, float]:
    with contextlib.redirect_stdout(io.StringIO()):
        return compute_prdc(x, x, 5)


points = np.random.default_rng(0).normal(size=(100, 8))
distinct, repeated = with_itself(points), with_itself(np.repeat(points, 6, axis=0))
print("distinct:", distinct)
print("each six times:", repeated)
assert all(value == 1 for value in distinct.values())
assert repeated["precision"] < 0.5 and repeated["density"] < 0.2
PYTHON
