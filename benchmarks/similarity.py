"""All pairs of many representations, against the formula pair by pair in NumPy; and jobs with a limit but no peer.

64 representations of 2,000 observations, with 10 to 8,192 columns, that share more or less. The peer takes some pairs
drawn at random, scaled to all pairs, whose alignment must agree with ours to 1e-5 by the more precise form.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measure import HERE, Options, Row, in_turn, measured

REPEATS = 3
N, REPRESENTATIONS, NARROWEST, WIDEST = 2000, 64, 10, 8192
PAIRS = 60
TOLERANCE = 1e-5
FORMS = {"printed": "by the formula as it is printed", "cheaper": "by the cheaper form for each pair"}
RANK = 100
OURS, THEIRS = HERE / "peers" / "vaehub_similarity.py", HERE / "peers" / "numpy_cka.py"


def rows(_: Options) -> Iterator[Row]:
    """Measure all pairs, sketches, SQL and rotations."""
    yield from _pairs()
    run = partial(measured, sys.executable, OURS)
    found = run("sketch", "5000", "32768", "4096")
    yield Row("sketch of 5,000 x 32,768 to 4,096 numbers", found["seconds"], None, "s", None, "under 5 s")
    yield Row("sketch of 5,000 x 32,768: peak beyond it", found["memory"], None, "MB", None, "")
    found = run("sql", "1000", "4096")
    yield Row("a million alignments in SQL, of 4,096 numbers", found["seconds"], None, "s", None, "under 30 s")
    exact, low = in_turn(
        REPEATS,
        lambda: run("procrustes", str(N), "32768", "all"),
        lambda: run("procrustes", str(N), "32768", str(RANK)),
    )
    assert abs(exact["value"] - low["value"]) <= low["error"]
    yield Row("Procrustes of 2,000 x 32,768", exact["seconds"], None, "s", None, "under 10 s")
    ratio = exact["seconds"] / low["seconds"]
    what = f"Procrustes of rank {RANK}, within {low['error']:.3f}, beside the exact one"
    yield Row(what, low["seconds"], exact["seconds"], "s", ratio, "at least 5 times")


def _pairs() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        given, ours_at, theirs_at = (Path(folder) / name for name in ("given.npz", "ours.npy", "theirs.npz"))
        np.savez(given, **_representations())
        ours, theirs = in_turn(
            REPEATS,
            lambda: measured(sys.executable, OURS, "matrix", str(given), str(ours_at)),
            lambda: measured(sys.executable, THEIRS, str(given), str(PAIRS), str(theirs_at)),
        )
        with np.load(theirs_at) as found:
            mine = np.load(ours_at)[found["pairs"][:, 0], found["pairs"][:, 1]]
            # The form for features sums millions of squares in single precision, which alone gives errors of 1e-4.
            np.testing.assert_allclose(mine, found["cheaper"], rtol=0, atol=TOLERANCE)
    what = f"all pairs of {REPRESENTATIONS} representations"
    for name, form in FORMS.items():
        ratio = theirs[name] / ours["seconds"]
        yield Row(f"{what}, {form}", ours["seconds"], theirs[name], "s", ratio, "at least 50 times")
    yield Row(f"{what}: peak beyond them", ours["memory"], None, "MB", None, "under 2048 MB")


def _representations() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    widths = np.geomspace(NARROWEST, WIDEST, REPRESENTATIONS).round().astype(int)
    base = rng.normal(size=(N, 20)).astype(np.float32)
    shares = rng.permutation(np.linspace(0, 3, REPRESENTATIONS)).astype(np.float32)
    return {
        f"{at:02}": np.tanh(base @ rng.normal(size=(20, width)).astype(np.float32))
        + share * rng.normal(size=(N, width)).astype(np.float32)
        for at, (width, share) in enumerate(zip(widths, shares, strict=True))
    }
