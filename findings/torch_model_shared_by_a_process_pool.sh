#!/usr/bin/env bash
# Versions: torch 2.13.0, numpy 2.4.6.
# Expected: what is handed to concurrent.futures.ProcessPoolExecutor is copied, so that each process trains a model of its own, and
#     the one here stays as it was, as with NumPy arrays, and as where the model is sent as pickle.dumps(model).
# Seen: importing torch changes how the processes of the standard library send tensors: the weights move into shared memory. Four
#     tasks that were given one model all train the same weights, one on top of the other, and so is the model here trained.
# Matters: repeats of a training from one initial model (seeds, folds, learning rates) in a process pool are no repeats; with several
#     processes at once, what comes out depends on their timing. Hand over copy.deepcopy(model), or pickle.dumps(model).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
cat > training.py <<'PYTHON'
import pickle

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


def train_pickled(given):
    return train(pickle.loads(given))


def change(array):
    array += 1
    return array.sum()
PYTHON
cat > main.py <<'PYTHON'
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
from training import change, model, train, train_pickled

if __name__ == "__main__":
    here, array, other = model(), np.zeros(4), model()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        trained = list(pool.map(train, [here] * 4))
        pool.submit(change, array).result()
        apart = list(pool.map(train_pickled, [pickle.dumps(other)] * 4))
    print("torch", torch.__version__, "numpy", np.__version__)
    print("sums of weights after each training:", trained, "of the model here:", here.weight.sum().item())
    print("the same with pickle.dumps(model):", apart, other.weight.sum().item(), "an array here:", array.sum().item())
    assert trained == [4.0, 8.0, 12.0, 16.0] and here.weight.sum().item() == 16.0
    assert apart == [4.0, 4.0, 4.0, 4.0] and other.weight.sum().item() == 0.0
    assert array.sum() == 0.0
PYTHON
"$work/venv/bin/python" -W ignore main.py
