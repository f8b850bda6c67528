"""Studies that are killed after a checkpoint, and then end with the bits of one that nothing has disturbed."""

import os
import random
import time
from pathlib import Path

from processes import Started
from studies import small_study

from .findings import Findings, recorded

STUDY = small_study(subset=400, batch_size=50, epochs=60) + "[metrics.representation_signature]\n"
# Workers are new interpreters, which run this when they start: every epoch is a checkpoint.
EAGER = """
import sys
if "--multiprocessing-fork" in sys.orig_argv:
    import vaehub.store.checkpoint
    vaehub.store.checkpoint.SECONDS_BETWEEN = 0.0
"""
TIMEOUT = 400.0


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Kill so many studies, and compare each with one that was not; and two workers with one."""
    found = Findings() if found is None else found
    (folder / "eager").mkdir()
    (folder / "eager" / "sitecustomize.py").write_text(EAGER)
    (folder / "small.toml").write_text(STUDY)
    before, path = Path.cwd(), os.environ.get("PYTHONPATH")
    os.chdir(folder)
    try:
        wholes = [_done(f"{jobs} jobs", jobs, found) for jobs in (1, 2)]
        found.expect(len(wholes[0]) == 4 + 4 + 4, f"four trainings, each measured twice: {len(wholes[0])} records")
        found.expect(wholes[0] == wholes[1], "two workers make other bits than one")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder / "eager"), *([path] if path else [])])
        for at in range(found.counts["killed studies"], n):
            dice = random.Random(f"resuming {seed} {at}")
            jobs = dice.choice((1, 2))
            found.counts["resumed from a checkpoint"] += _killed(f"killed {at}", jobs, dice)
            found.expect(_done(f"killed {at}", jobs, found) == wholes[0], f"study {at}, resumed, has other bits")
            found.expect(not list(Path(f"killed {at}").glob("checkpoints/*.h5")), f"study {at}: a checkpoint is left")
            found.counts["killed studies"] += 1
            found.round_ends()
    finally:
        os.chdir(before)
        if path is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = path
    return found


def _asked(store: str, jobs: int) -> tuple[str, ...]:
    return ("study", "run", "small.toml", "--jobs", str(jobs), "--store", store)


def _done(store: str, jobs: int, found: Findings) -> dict[str, str]:
    done = Started(*_asked(store, jobs)).end(TIMEOUT)
    found.expect(done.returncode == 0, f"{store}: exit code {done.returncode}, {done.stderr}")
    found.expect_whole(Path(store), store)
    return recorded(Path(store))


def _killed(store: str, jobs: int, dice: random.Random) -> bool:
    """Kill a study some time after its first checkpoint; says whether there was one to go on from."""
    running = Started(*_asked(store, jobs))
    while not running.has_ended and not list(Path(store).glob("checkpoints/*.h5")):
        time.sleep(0.005)
    time.sleep(dice.uniform(0.0, 1.0))
    running.kill()
    running.end(TIMEOUT)
    time.sleep(0.5)  # until the workers have noticed
    return bool(list(Path(store).glob("checkpoints/*.h5")))
