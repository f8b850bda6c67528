#!/usr/bin/env bash
# Versions: distributed 2026.8.0, torch 2.13.0, numpy 2.4.6.
# Expected: a model that a task returns, or that is scattered, is on the other side what it was here, as after pickling: weights that
#     two layers share are shared, and an optimizer that is returned beside its model trains that model.
# Seen: Dask sends each weight of a module by itself. Shared weights arrive as two that are equal and go their own ways, gradients
#     are missing, and an optimizer beside the model has other weights than the model: its steps change nothing of it. A model that
#     is an argument of submit() is pickled as a whole, and arrives right.
# Matters: a training that goes on from what a task returned leaves the model as it is, without an error; an autoencoder with tied
#     weights comes back with more parameters, untied. Return pickle.dumps((model, optimizer)), or the file of a checkpoint.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check distributed==2026.8.0 torch==2.13.0 numpy==2.4.6
cd "$work"
cat > tasks.py <<'PYTHON'
import pickle

import torch
from torch import nn


def tied():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    return model


def is_tied(model):
    return model[0].weight is model[1].weight


def trained():
    model = nn.Linear(3, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.ones(1, 3)).sum().backward()
    return model, optimizer


def trained_and_pickled():
    return pickle.dumps(trained())


def moves(model, optimizer):
    """Return whether a step of training changes the model."""
    before = model.weight.detach().clone()
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return not torch.equal(before, model.weight)
PYTHON
cat > main.py <<'PYTHON'
import pickle

import distributed
import torch
from distributed import Client, LocalCluster
from tasks import is_tied, moves, tied, trained, trained_and_pickled

if __name__ == "__main__":
    settings = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        shared = {
            "pickled": is_tied(pickle.loads(pickle.dumps(tied()))),
            "argument": client.submit(is_tied, tied()).result(),
            "scattered": client.submit(is_tied, client.scatter(tied())).result(),
            "returned": is_tied(client.submit(tied).result()),
        }
        learns = {
            "pickled": moves(*pickle.loads(client.submit(trained_and_pickled).result())),
            "returned": moves(*client.submit(trained).result()),
        }
        has_gradient = client.submit(trained).result()[0].weight.grad is not None
    print("distributed", distributed.__version__, "torch", torch.__version__)
    print("shared weights are shared:", shared)
    print("a step of the optimizer changes the model:", learns)
    print("the returned model has its gradient:", has_gradient)
    assert shared == {"pickled": True, "argument": True, "scattered": False, "returned": False}
    assert learns == {"pickled": True, "returned": False}
    assert not has_gradient
PYTHON
"$work/venv/bin/python" -W ignore main.py
