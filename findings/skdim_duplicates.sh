#!/usr/bin/env bash
# Versions: scikit-dimension 0.5.0, numpy 1.26.4.
# Expected: estimators of intrinsic dimension leave out copies of an observation, whose distance to its nearest neighbour is 0, or
#     refuse them.
# Seen: with 100 of 400 points repeated, the same manifold of 3 dimensions has nearly 4 by TwoNN (3.0 without the copies), and
#     exactly 0 by maximum likelihood (2.6 without). Neither says anything.
# Matters: codes of a collapsed VAE, binary pictures and data sets with copies have many equal rows. A dimension of 0 looks like
#     collapse, and 4 like one latent more. Estimate from numpy.unique(codes, axis=0).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-dimension==0.5.0 numpy==1.26.4
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from skdim.id import MLE, TwoNN

random = np.random.default_rng(0)
points = random.uniform(size=(400, 3)) @ random.normal(size=(3, 6))
repeated = np.concatenate([points, points[:100]])
print("scikit-dimension", version("scikit-dimension"), "numpy", np.__version__)
found = {
    (kind.__name__, name): kind().fit(x).dimension_
    for kind in (MLE, TwoNN)
    for name, x in (("distinct", points), ("repeated", repeated), ("unique", np.unique(repeated, axis=0)))
}
for (kind, name), dimension in found.items():
    print(kind, name, round(float(dimension), 2))
for kind in ("MLE", "TwoNN"):
    assert abs(found[kind, "distinct"] - 3) < 0.6
    assert abs(found[kind, "unique"] - found[kind, "distinct"]) < 0.1
assert found["MLE", "repeated"] == 0
assert found["TwoNN", "repeated"] > found["TwoNN", "distinct"] + 0.5
PYTHON
