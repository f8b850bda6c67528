"""Disentanglement scores of 10,000 observations, 10 latents and the factors of dSprites, against plain scikit-learn.

The latents are synthetic: five follow a factor each, with noise, two mix factors, three are noise. MIG is compared with
the released code of Locatello et al. 2019, which calls ``mutual_info_score`` for each latent and factor, and must agree
to 1e-9. DCI with LightGBM is compared with the published predictor, ``GradientBoostingClassifier``, which takes minutes
and runs once; the scores of the two differ, and are shown.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.measure import HERE, Options, Row, in_turn, measured

REPEATS = 3
N, N_TEST = 10_000, 5000
SIZES = (3, 6, 40, 32, 32)
"""Numbers of classes of shape, scale, orientation and the two positions."""
PEERS = HERE / "peers"
TOLERANCE = 1e-9


def rows(_: Options) -> Iterator[Row]:
    """Measure MIG, and DCI with the fast predictor and once with the published one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.npz"
        _write(path)
        ours, theirs = in_turn(REPEATS, _side("vaehub", path, "mig"), _side("scikit_learn", path, "mig"))
        if not math.isclose(ours["mig"], theirs["mig"], rel_tol=TOLERANCE):
            raise RuntimeError(f"mig is {ours['mig']} here and {theirs['mig']} there")
        yield _row("MIG / mutual_info_score, pair by pair", ours, theirs, "ms", 1e3, "at least 20 times")
        [fast] = in_turn(REPEATS, _side("vaehub", path, "dci"))
        slow = _side("scikit_learn", path, "dci")()
        yield _row("DCI, LightGBM / GradientBoostingClassifier", fast, slow, "s", 1, "at least 30 times")
        for name in ("disentanglement", "completeness", "informativeness"):
            yield Row(f"DCI, {name}", fast[name], slow[name], "", None, "")


def _side(who: str, path: Path, job: str) -> Callable[[], Mapping[str, float]]:
    return lambda: measured(sys.executable, PEERS / f"{who}_disentanglement.py", str(path), job)


def _row(
    what: str, ours: Mapping[str, float], theirs: Mapping[str, float], unit: str, scale: float, target: str
) -> Row:
    ratio = theirs["seconds"] / ours["seconds"]
    return Row(what, scale * ours["seconds"], scale * theirs["seconds"], unit, ratio, target)


def _write(path: Path) -> None:
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, size, N + N_TEST) for size in SIZES], axis=1)
    scaled = (factors + 0.5) / SIZES - 0.5
    mixed = scaled @ rng.normal(size=(len(SIZES), 2))
    noise = rng.normal(size=(len(factors), 10))
    codes = np.concatenate([scaled, mixed, np.zeros((len(factors), 3))], axis=1)
    codes += noise * ([0.05] * 7 + [1] * 3)
    np.savez(path, codes=codes, factors=factors, n_train=N)
