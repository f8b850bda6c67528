#!/usr/bin/env bash
# Versions: prdc 0.2, torch-fidelity 0.4.0, NumPy 1.26.4.
# Expected: precision, recall, density and coverage of a set with itself are 1, whatever the set.
# Seen: so for distinct points. Where every point stands six times and k is 5, the distance to the fifth neighbour is 0 up to rounding,
#     and "closer than" is strict: precision is under 0.5 and density nearly 0, of a set with itself. torch-fidelity has 1.
# Matters: repeated images are common: a generator that collapsed, small binarised images, classes drawn with replacement. Two
#     packages disagree by all that there is to disagree about.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check prdc==0.2 torch==2.13.0 torchvision==0.28.0 torch-fidelity==0.4.0 numpy==1.26.4
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io

import numpy as np
import torch
from prdc import compute_prdc
from torch_fidelity.metric_prc import prc_features_to_metric

points = np.random.default_rng(0).normal(size=(100, 8))


def both(x: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    with contextlib.redirect_stdout(io.StringIO()):
        first = compute_prdc(x, x, 5)
    features = torch.tensor(x, dtype=torch.float64)
    second = prc_features_to_metric(
        features, features, prc_neighborhood=5, prc_batch_size=1000, save_cpu_ram=False, verbose=False
    )
    return first, second


distinct, repeated = both(points), both(np.repeat(points, 6, axis=0))
print("distinct: prdc", distinct[0], "torch-fidelity", distinct[1])
print("repeated: prdc", repeated[0], "torch-fidelity", repeated[1])
assert distinct[0]["precision"] == distinct[1]["precision"] == repeated[1]["precision"] == 1
assert repeated[0]["precision"] < 0.5 and repeated[0]["density"] < 0.2
PYTHON
