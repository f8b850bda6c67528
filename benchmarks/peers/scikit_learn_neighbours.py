"""scikit-learn's brute-force search, on which other estimators build; prints seconds."""

import json
import sys
import time

import numpy as np
from sklearn.neighbors import NearestNeighbors


def main() -> None:
    """Warm up on a few observations, and time all of them."""
    path, n, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    x = np.load(path)[:n]
    NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x[:500]).kneighbors()
    started = time.perf_counter()
    distances, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x).kneighbors()
    logs = np.log(distances)
    inverse = (logs[:, -1:] - logs[:, :-1]).sum(axis=1) / (k - 1)
    found = {f"mle_{k}": float(1 / inverse.mean()), "seconds": time.perf_counter() - started}
    sys.stdout.write(json.dumps(found) + "\n")


main()
