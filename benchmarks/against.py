"""What people wait for, in this checkout and in an earlier revision of it: ``python -m benchmarks --against REVISION``.

Both sides run in turn, each job in a fresh process, with the packages of this environment. A job that the earlier
revision cannot do has no ratio. Above 1, this checkout is faster, or takes less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.answers import installed
from benchmarks.measure import HERE, LIMIT_SECONDS, Options, Row, in_turn

REPEATS = 5
JOBS = {
    "help": "vaehub --help",
    "list": "vaehub list",
    "main_job": "main job, cold",
    "again": "main job, asked again",
    "ten_metrics": "ten metrics of a stored training",
    "seeds": "two seeds of an autoencoder",
    "convolutions": "a training with convolutions",
    "relevance": "relevance of 32 latents",
    "cka": "CKA of all pairs of 24 layers",
    "ssim": "SSIM of 1,500 images, all pairs",
    "mle": "intrinsic dimension of 5,000 points",
    "commits": "100 records, one commit each",
    "sql": "an aggregate over 100,000 values",
    "page": "a page of 27 trainings with 54 pictures",
}
SCRIPT = HERE / "peers" / "vaehub_jobs.py"


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Yield a checkout of a revision, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkout"
        git = ["git", "-C", str(HERE.parent), "worktree"]
        made = subprocess.run(
            [*git, "add", "--detach", str(path), revision], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise SystemExit(f"revision {revision!r} cannot be checked out: {made.stderr.strip().splitlines()[-1]}")
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)


def rows(options: Options) -> Iterator[Row]:
    """Measure each job in both builds: seconds by the clock and of the processor, and peak memory."""
    assert options.before is not None, "the other side"
    with tempfile.TemporaryDirectory() as folder:
        sides = []
        for name, checkout in (("this", HERE.parent), ("that", options.before)):
            own = Path(folder) / name
            own.mkdir()
            sides.append((f"{checkout.absolute()}:{installed(checkout, own)}", own))
        for job, what in JOBS.items():
            try:
                ours, theirs = in_turn(REPEATS, *(partial(_figures, job, *side) for side in sides))
            except _JobMissingError as error:
                sys.stderr.write(f"{what}: {error}\n")
                continue
            for name, unit in (("seconds", "s"), ("processor", "s"), ("peak", "MB")):
                ratio = theirs[name] / ours[name] if ours[name] else None
                yield Row(f"{what}: {name}", ours[name], theirs[name], unit, ratio, "1 or more")


class _JobMissingError(Exception):
    pass


def _figures(job: str, path: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-P", str(SCRIPT), job, str(folder)],
        env={name: value for name, value in os.environ.items() if name != "VAEHUB_STORE"} | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    if done.returncode:
        raise _JobMissingError(
            f"not in {path.partition(':')[0]}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        )
    return {name: float(value) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}
