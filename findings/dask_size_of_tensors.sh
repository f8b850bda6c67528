#!/usr/bin/env bash
# Versions: dask 2026.8.0, distributed 2026.8.0, torch 2.13.0, numpy 2.4.6.
# Expected: Dask counts the bytes of a PyTorch tensor or module as it counts those of a NumPy array: by them it decides what to write
#     to the disk when memory is short, and whether to move data or to compute where they are.
# Seen: a tensor of 8 MB counts for 80 bytes, a module for 56, whatever it holds. Of ten results of 8 MB in a worker that may keep
#     40 MB, NumPy's are written to the disk and PyTorch's all stay in memory.
# Matters: representations and models as tensors fill a worker until its nanny kills it at 95 % of its memory (KilledWorker), where the
#     same numbers as NumPy arrays would have been spilled. Return arrays, or register a size: dask.sizeof.sizeof.register(torch.Tensor).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check dask==2026.8.0 distributed==2026.8.0 torch==2.13.0 numpy==2.4.6
cd "$work"
cat > tasks.py <<'PYTHON'
import numpy as np
import torch


def array(i):
    return np.full(1_000_000, float(i))


def tensor(i):
    return torch.full((1_000_000,), float(i), dtype=torch.float64)


def on_disk(dask_worker):
    return len(dask_worker.data.disk)
PYTHON
cat > main.py <<'PYTHON'
import dask
import torch
from dask.sizeof import sizeof
from distributed import Client, LocalCluster, wait
from tasks import array, on_disk, tensor

if __name__ == "__main__":
    sizes = {"array": sizeof(array(0)), "tensor": sizeof(tensor(0)), "module": sizeof(torch.nn.Linear(1000, 1000))}
    # Results up to 40 MB of the 4 GB that the worker may take; only their counted size is looked at.
    dask.config.set({"distributed.worker.memory.target": 0.01, "distributed.worker.memory.spill": False})
    settings = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": "4GB", "dashboard_address": None}
    spilled = {}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        for function in (array, tensor):
            results = client.map(function, range(10))
            wait(results)
            (spilled[function.__name__],) = client.run(on_disk).values()
            del results
    print("dask", dask.__version__, "torch", torch.__version__)
    print("bytes that are counted:", sizes)
    print("of ten results, on the disk:", spilled)
    assert sizes["array"] > 8_000_000 - 1 and sizes["tensor"] < 200 and sizes["module"] < 200
    assert spilled["array"] >= 5 and spilled["tensor"] == 0
PYTHON
"$work/venv/bin/python" -W ignore main.py
