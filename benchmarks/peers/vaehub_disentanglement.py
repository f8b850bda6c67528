"""Our side of the disentanglement comparison; prints seconds and the scores."""

import json
import statistics
import sys
import time

import numpy as np

from vaehub.plugins.disentanglement.kernels import dci, mig

CALLS = 20


def timed_mig(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    mig(codes[:500], factors[:500])
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        found = mig(codes, factors)
        seconds.append(time.perf_counter() - started)
    return {"mig": found, "seconds": statistics.median(seconds)}


def timed_dci(codes: np.ndarray, factors: np.ndarray, *test: np.ndarray) -> dict[str, float]:
    dci(codes[:500], factors[:500], predictor="lightgbm")
    started = time.perf_counter()
    found = dci(codes, factors, *test, predictor="lightgbm")
    seconds = time.perf_counter() - started
    names = ("disentanglement", "completeness", "informativeness")
    return {name: getattr(found, name) for name in names} | {"seconds": seconds}


def main() -> None:
    """Warm up on a few observations, and time all of them."""
    path, job = sys.argv[1:]
    with np.load(path) as data:
        codes, factors, n = data["codes"], data["factors"], int(data["n_train"])
    if job == "mig":
        found = timed_mig(codes[:n], factors[:n])
    else:
        found = timed_dci(codes[:n], factors[:n], codes[n:], factors[n:])
    sys.stdout.write(json.dumps(found) + "\n")


main()
