#!/usr/bin/env bash
# Versions: torch 2.13.0, numpy 2.4.6.
# Expected: torch.set_num_threads(1) holds for the process, whichever of its threads computes next.
# Seen: it holds for the thread that calls it and for those that have not computed anything yet. A thread that has keeps the number
#     that it had, so that two threads of one process compute with different numbers.
# Matters: a server, a Dask worker (client.run(torch.set_num_threads, 1)) or a pool of threads that is told to take one core goes on
#     with all of them; and as sums depend on the number of threads, the same call gives other last bits by where it runs. Set
#     OMP_NUM_THREADS before the start, or call set_num_threads inside each task.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from concurrent.futures import ThreadPoolExecutor

import torch


def compute():
    torch.ones(1000) + 1
    return torch.get_num_threads()


torch.set_num_threads(2)
with ThreadPoolExecutor(1) as early, ThreadPoolExecutor(1) as late:
    before = early.submit(compute).result()
    torch.set_num_threads(1)
    found = {"here": compute(), "a thread that had computed": early.submit(compute).result(), "a new thread": late.submit(compute).result()}
print("torch", torch.__version__)
print("threads before:", before, "after set_num_threads(1):", found)
assert before == 2
assert found == {"here": 1, "a thread that had computed": 2, "a new thread": 1}
PYTHON
