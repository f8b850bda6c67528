"""scikit-learn's side of the disentanglement comparison, used as in Locatello et al. 2019."""

import json
import statistics
import sys
import time

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import mutual_info_score

BINS, CALLS = 20, 5


def mig(codes: np.ndarray, factors: np.ndarray) -> float:
    binned = [np.digitize(column, np.histogram(column, BINS)[1][:-1]) for column in codes.T]
    information = np.array([[mutual_info_score(factor, column) for factor in factors.T] for column in binned])
    entropies = np.array([mutual_info_score(factor, factor) for factor in factors.T])
    ordered = np.sort(information, axis=0)[::-1]
    return float(np.mean((ordered[0] - ordered[1]) / entropies))


def timed_mig(codes: np.ndarray, factors: np.ndarray) -> dict[str, float]:
    mig(codes[:500], factors[:500])
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        found = mig(codes, factors)
        seconds.append(time.perf_counter() - started)
    return {"mig": found, "seconds": statistics.median(seconds)}


def timed_dci(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray
) -> dict[str, float]:
    started = time.perf_counter()
    columns, accuracies = [], []
    for factor, test_factor in zip(factors.T, test_factors.T, strict=True):
        trees = GradientBoostingClassifier(random_state=0).fit(codes, factor)
        columns.append(np.abs(trees.feature_importances_))
        trees.score(codes, factor)
        accuracies.append(trees.score(test_codes, test_factor))
    importance = np.stack(columns, axis=1)
    shares = importance / importance.sum()
    by_latent = 1 - entropy(importance.T + 1e-11, base=importance.shape[1])
    by_factor = 1 - entropy(importance + 1e-11, base=importance.shape[0])
    return {
        "disentanglement": float((by_latent * shares.sum(axis=1)).sum()),
        "completeness": float((by_factor * shares.sum(axis=0)).sum()),
        "informativeness": float(np.mean(accuracies)),
        "seconds": time.perf_counter() - started,
    }


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
