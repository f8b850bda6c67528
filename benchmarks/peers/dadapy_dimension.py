"""DADApy's side of the intrinsic dimension comparison; prints seconds and its estimate."""

import contextlib
import json
import os
import sys
import time

import numpy as np
from dadapy import Data


def estimated(x: np.ndarray, k: int) -> float:
    data = Data(x, verbose=False)
    data.compute_distances(maxk=k)
    return float(data.compute_id_2NN()[0])


def main() -> None:
    """Warm up on a few observations, and time all of them."""
    path, n, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    x = np.load(path)[:n]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        estimated(x[:500], k)
        started = time.perf_counter()
        twonn = estimated(x, k)
        elapsed = time.perf_counter() - started
    sys.stdout.write(json.dumps({"dadapy_twonn": twonn, "seconds": elapsed}) + "\n")


main()
