"""scikit-dimension's side of the intrinsic dimension comparison; prints seconds and the estimates."""

import json
import sys
import time

import numpy as np
import skdim

JOBS = {"mle": (20,), "twonn": (), "protocol": (3, 5, 10, 20)}


def estimates(x: np.ndarray, job: str) -> dict[str, float]:
    # Its K belongs to a different estimator, with noise; n_neighbors is the number of neighbours.
    found = {f"mle_{k}": float(skdim.id.MLE().fit(x, n_neighbors=k).dimension_) for k in JOBS[job]}
    if job != "mle":
        found["twonn"] = float(skdim.id.TwoNN().fit(x).dimension_)
    return found


def main() -> None:
    """Warm up on a few observations, and time all of them, with one search per call."""
    path, n, job = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    x = np.load(path)[:n]
    estimates(x[:500], job)
    started = time.perf_counter()
    found = estimates(x, job)
    found["seconds"] = time.perf_counter() - started
    sys.stdout.write(json.dumps(found) + "\n")


main()
