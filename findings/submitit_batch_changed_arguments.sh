#!/usr/bin/env bash
# Version: submitit 1.5.4.
# Expected: executor.submit(train, settings) takes the arguments as they are at that moment, inside "with executor.batch()" as outside,
#     where each is pickled at once.
# Seen: inside, functions and arguments are pickled when the block ends. A dictionary, configuration or model that is changed between
#     two submissions is the last one for all jobs: seeds 0, 1 and 2 become 2, 2 and 2.
# Matters: a sweep written as a loop over one configuration trains the same model many times, without a word, as soon as it is
#     submitted as a job array, which is what batch() is for. Hand over copies: executor.submit(train, copy.deepcopy(settings)).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check submitit==1.5.4
cd "$work"
cat > sweep.py <<'PYTHON'
from contextlib import nullcontext
from importlib.metadata import version

import submitit


def train(settings):
    return settings["seed"]


def sweep(executor, context):
    settings, jobs = {}, []
    with context:
        for seed in range(3):
            settings["seed"] = seed
            jobs.append(executor.submit(train, settings))
    return [job.result() for job in jobs]


executor = submitit.AutoExecutor(folder="logs", cluster="local")
executor.update_parameters(timeout_min=5)
found = {"one by one": sweep(executor, nullcontext()), "in a batch": sweep(executor, executor.batch())}
print("submitit", version("submitit"))
print("seeds that were trained:", found)
assert found["one by one"] == [0, 1, 2]
assert found["in a batch"] == [2, 2, 2]
PYTHON
"$work/venv/bin/python" -W ignore sweep.py
