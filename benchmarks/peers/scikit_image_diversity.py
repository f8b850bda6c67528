"""scikit-image's side of the diversity comparison; prints pairs per second and writes their similarities."""

import json
import sys
import time

import numpy as np
from skimage.metrics import structural_similarity

PAIRS = 1000


def main() -> None:
    """Warm up on one pair, and time others one by one, as in a double loop."""
    path, n, found = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    images = np.load(path)[:n].astype(np.float64) / 255
    rng = np.random.default_rng(0)
    i = rng.integers(n, size=PAIRS)
    j = (i + rng.integers(1, n, size=PAIRS)) % n
    structural_similarity(images[0], images[1], win_size=7, data_range=1)
    started = time.perf_counter()
    similarity = [
        structural_similarity(images[a], images[b], win_size=7, data_range=1) for a, b in zip(i, j, strict=True)
    ]
    elapsed = time.perf_counter() - started
    np.savez(found, i=i, j=j, similarity=similarity)
    sys.stdout.write(json.dumps({"rate": PAIRS / elapsed}) + "\n")


main()
