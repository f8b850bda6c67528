#!/usr/bin/env bash
# Versions: torch 2.13.0, numpy 2.4.6, joblib 1.6.0.
# Expected: what is handed to concurrent.futures.ProcessPoolExecutor is copied, so that each process trains a model of its own, and
#     the one here stays as it was, as with NumPy arrays, and as with joblib.
# Seen: importing torch changes how the processes of the standard library send tensors: the weights move into shared memory. Four
#     tasks that were given one model all train the same weights, one on top of the other, and so is the model here trained.
# Matters: repeats of a training from one initial model (seeds, folds, learning rates) in a process pool are no repeats; with several
#     processes at once, what comes out depends on their timing. Hand over copy.deepcopy(model), or pickle.dumps(model).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 joblib==1.6.0
cd "$work"
cat > training.py <<'PYTHON'
import torch
from torch import nn


def model():
    made = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(made.weight)
    return made


def train(given):
    with torch.no_grad():
        given.weight += 1
    return given.weight.sum().item()


def change(array):
    array += 1
    return array.sum()
PYTHON
cat > main.py <<'PYTHON'
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import joblib
import numpy as np
import torch
from training import change, model, train

if __name__ == "__main__":
    found = {}
    for method in ("fork", "spawn", "forkserver"):
        here, array = model(), np.zeros(4)
        with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
            trained = list(pool.map(train, [here] * 4))
            pool.submit(change, array).result()
        found[method] = trained, here.weight.sum().item(), array.sum()
    here = model()
    trained = joblib.Parallel(2)(joblib.delayed(train)(here) for _ in range(4))
    found["joblib"] = trained, here.weight.sum().item(), 0.0
    print("torch", torch.__version__, "numpy", np.__version__, "joblib", joblib.__version__)
    for name, each in found.items():
        print(f"{name}: (sum of the weights of each training, of the model here, of the array here) {each}")
    assert found.pop("joblib") == ([4.0, 4.0, 4.0, 4.0], 0.0, 0.0)
    assert all(each == ([4.0, 8.0, 12.0, 16.0], 16.0, 0.0) for each in found.values())
PYTHON
"$work/venv/bin/python" -W ignore main.py
