"""Intrinsic dimension, against scikit-dimension, DADApy and scikit-learn's brute-force search.

The observations are 10,000 digits of MNIST (784 values in [0, 1], float64), or normal draws of the same size if MNIST
is not available. Each side is a fresh process. Estimates of scikit-dimension must agree with ours to 1e-9. The thesis's
protocol, maximum likelihood at four numbers of neighbours and TwoNN, takes us one search, and the others five.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.measure import HERE, Options, Row, environment, in_turn, measured
from vaehub import DataError, Hub

REPEATS = 3
N, N_VALUES, LARGE = 10_000, 784, 20_000
PEERS = HERE / "peers"
TOLERANCE = 1e-9


def rows(options: Options) -> Iterator[Row]:
    """Measure one estimate at a time, the whole protocol, and memory."""
    scikit = environment(options.environments, "scikit-dimension", "scikit-dimension==0.5.0", "scikit-learn==1.9.1")
    dadapy = environment(options.environments, "dadapy", "dadapy==0.3.4", "numpy<2")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, _observations())
        of_20, of_2, mle, twonn, protocol, brute, other = in_turn(
            REPEATS,
            _side(sys.executable, "vaehub_dimension.py", path, 20),
            _side(sys.executable, "vaehub_dimension.py", path, 2),
            _side(scikit, "scikit_dimension.py", path, "mle"),
            _side(scikit, "scikit_dimension.py", path, "twonn"),
            _side(scikit, "scikit_dimension.py", path, "protocol"),
            _side(scikit, "scikit_learn_neighbours.py", path, 20),
            _side(dadapy, "dadapy_dimension.py", path, 20),
        )
        _agree(of_20, mle, twonn, protocol, brute)
        wanted = "at least 1.5 times"
        yield _row("MLE, k = 20 / scikit-dimension", of_20, mle, wanted)
        yield _row("MLE, k = 20 / scikit-learn, brute force", of_20, brute, wanted)
        yield _row("TwoNN / scikit-dimension", of_2, twonn, wanted)
        yield _row("TwoNN and 20 neighbours / DADApy", of_20, other, wanted)
        yield _row("MLE at four k, and TwoNN / scikit-dimension", of_20, protocol, "at least 5 times")
        yield Row(f"{N:,} observations: peak beyond the data", of_20["memory"], None, "MiB", None, "under 200 MiB")
        large = measured(sys.executable, PEERS / "vaehub_dimension.py", str(path), str(LARGE), "20")
        yield Row(f"{LARGE:,} observations", large["seconds"], None, "s", None, "")
        yield Row(f"{LARGE:,} observations: peak beyond the data", large["memory"], None, "MiB", None, "under 300 MiB")


def _side(interpreter: str, script: str, path: Path, what: int | str) -> Callable[[], Mapping[str, float]]:
    return lambda: measured(interpreter, PEERS / script, str(path), str(N), str(what))


def _row(what: str, ours: Mapping[str, float], theirs: Mapping[str, float], target: str) -> Row:
    return Row(what, ours["seconds"], theirs["seconds"], "s", theirs["seconds"] / ours["seconds"], target)


def _agree(ours: Mapping[str, float], *others: Mapping[str, float]) -> None:
    for name in ours.keys() & {name for other in others for name in other} - {"seconds"}:
        for other in others:
            if name in other and not math.isclose(ours[name], other[name], rel_tol=TOLERANCE):
                raise RuntimeError(f"{name} is {ours[name]} here and {other[name]} there")


def _observations() -> np.ndarray:
    try:
        x = Hub.open().data("mnist").split("train").first(LARGE).x.double().flatten(1).numpy()
    except DataError:
        x = np.random.default_rng(0).normal(size=(LARGE, N_VALUES))
    return np.ascontiguousarray(x)
