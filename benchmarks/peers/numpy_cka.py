"""CKA of some pairs by the formula of Kornblith et al. 2019, pair by pair, as usually written in NumPy.

Prints seconds, scaled to all pairs, of the formula for features as printed, and of the cheaper of both forms for each
pair: that for features if both have fewer columns than observations, else that for Gram matrices.
"""

import json
import sys
import time

import numpy as np


def features(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def grams(x, y):
    k, m = (centred(each @ each.T) for each in (x, y))
    return (k * m).sum() / (np.linalg.norm(k) * np.linalg.norm(m))


def centred(k):
    return k - k.mean(axis=0) - k.mean(axis=1, keepdims=True) + k.mean()


def main():
    with np.load(sys.argv[1]) as given:
        representations = [given[name] for name in sorted(given.files)]
    n, rng = len(representations[0]), np.random.default_rng(0)
    pairs = np.stack(np.triu_indices(len(representations), 1), axis=1)
    # Drawn at random, so that their mean estimates that of all pairs.
    chosen = pairs[np.sort(rng.permutation(len(pairs))[: int(sys.argv[2])])]
    found = {}
    for name in ("printed", "cheaper"):
        started = time.perf_counter()
        found[name] = [
            (features if name == "printed" or max(x.shape[1], y.shape[1]) < n else grams)(x, y)
            for x, y in ((representations[i], representations[j]) for i, j in chosen)
        ]
        found[f"{name}_seconds"] = (time.perf_counter() - started) / len(chosen) * len(pairs)
    np.savez(sys.argv[3], pairs=chosen, printed=found["printed"], cheaper=found["cheaper"])
    sys.stdout.write(json.dumps({name: found[f"{name}_seconds"] for name in ("printed", "cheaper")}) + "\n")


main()
