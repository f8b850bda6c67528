"""Commands that are killed (-9) at random moments, and asked for again until they are done.

Half are stopped before they are killed, so that what is counted is what the kill hit: whether the process lived,
whether anything was recorded yet, and what it was at. A stop lets a write to a file end that a kill cuts in two, so
that the other half are killed straight away.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from processes import Started
from studies import small_study

from .findings import Findings, recorded
from .process_table import Process, descendants, is_alive, killed, locked, locked_by, stopped, workers

PATIENCE = 10.0
"""Seconds until the workers of a killed process have ended."""
TIMEOUT = 600.0
"""Seconds after which a command hangs."""
LOOK = 0.003
"""Seconds between two looks at what a process has locked."""
TURNS = 8
"""Turns at the database at one of which a process is killed: no more than the smallest command takes."""


@dataclass(frozen=True)
class Kind:
    """A command, and which of its processes is killed."""

    name: str
    arguments: tuple[str, ...]
    workers: bool = False


RUN = ("run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", "--seed", "0", "--seed", "1")
SMALL = ("--set", "train.epochs=6", "--set", "model.latent_dim=4", "--set", "data.subset=300")
SUGGEST = ("suggest-dim", "digits", "--method", "relevant_dimension", "--seeds", "2", "--jobs", "1")
QUICK = ("--set", "data.subset=300", "--set", "train.epochs=2")
KINDS = (
    Kind("run", (*RUN, *SMALL)),
    Kind("study, parent", ("study", "run", "small.toml", "--jobs", "2")),
    Kind("study, worker", ("study", "run", "small.toml", "--jobs", "1"), workers=True),
    Kind("suggest-dim", (*SUGGEST, *QUICK)),
)
SHARES = (12, 3, 3, 2)
"""Most kills hit 'run': it spends most of its time recording, and one round takes a fifth of the time of a study."""


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Kill so often, each time at another moment; goes on where earlier findings end."""
    found = Findings() if found is None else found
    (folder / "small.toml").write_text(small_study(epochs=8))
    Started("--version").end()  # what starts the commands is itself started once, and that takes long
    before = Path.cwd()
    os.chdir(folder)
    try:
        whole: dict[str, tuple[dict[str, str], float]] = {}
        while found.counts["killed"] < n:
            dice = random.Random(f"kills {seed} {found.counts['rounds']}")
            [kind] = dice.choices(KINDS, SHARES)
            if kind.name not in whole:
                whole[kind.name] = undisturbed(kind, folder / f"whole {kind.name}", found)
            n_kills = min(dice.choice((2, 4, 6)), n - found.counts["killed"])
            _round(kind, folder / f"store {found.counts['rounds']}", n_kills, whole[kind.name], (found, dice))
            found.counts["rounds"] += 1
            found.round_ends()
    finally:
        os.chdir(before)
    return found


def undisturbed(kind: Kind, store: Path, found: Findings) -> tuple[dict[str, str], float]:
    """Return what a command records when nothing disturbs it, and how many seconds it takes."""
    started = time.monotonic()
    done = Started(*kind.arguments, "--store", str(store)).end(TIMEOUT)
    found.expect(done.returncode == 0, f"{kind.name}, undisturbed: {done.stderr}")
    return recorded(store), time.monotonic() - started


def _round(
    kind: Kind, store: Path, n_kills: int, whole: tuple[dict[str, str], float], tools: tuple[Findings, random.Random]
) -> None:
    found, _ = tools
    contents, seconds = whole
    left = 1.0
    for _ in range(n_kills):
        if not left:
            break  # what has nothing left to do is killed before it begins to record
        kept = _kill(kind, store, left * seconds, tools)
        left = 1 - len(kept) / len(contents)
    done = Started(*kind.arguments, "--store", str(store)).end(TIMEOUT)
    found.expect(done.returncode == 0, f"{kind.name}, asked again: exit code {done.returncode}, {done.stderr}")
    found.expect(recorded(store) == contents, f"{kind.name}: the bits are not those of an undisturbed command")
    found.expect_whole(store, f"{kind.name}, asked again")
    found.expect(not list(store.glob("checkpoints/*.h5")), f"{kind.name}: a checkpoint is left over")
    found.counts["completed with the same bits"] += 1


def _kill(kind: Kind, store: Path, seconds: float, tools: tuple[Findings, random.Random]) -> dict[str, str]:
    """Kill a command within so many seconds, and return what is recorded then."""
    found, dice = tools
    what = f"{kind.name}, kill {found.counts['killed']}"
    leftovers = _half_written(store)
    started = Started(*kind.arguments, "--store", str(store))
    before = _wait(started, store, seconds, dice)
    target = started.pid
    if kind.workers:
        while not (at_work := workers(started.pid)) and not started.has_ended:
            time.sleep(0.05)
        target = dice.choice(at_work)[0] if at_work else target
        time.sleep(dice.uniform(0.0, 0.2) * seconds)
    family = descendants(started.pid)
    is_target = target != started.pid or not kind.workers
    if dice.random() < 0.5:
        lives, stage = is_target and killed(target), "without a stop"
    else:
        lives = is_target and stopped(target)
        stage = _stage(store, {started.pid, *(pid for pid, _ in family)}, leftovers)
        lives = lives and killed(target)
    done = started.end(TIMEOUT)
    if stage == "without a stop" and not kind.workers:
        lives = done.returncode == -signal.SIGKILL  # it may have ended in the moment between
    found.expect(kind.workers or not lives or done.returncode == -signal.SIGKILL, f"{what}: it was not killed")
    if kind.workers or not lives:
        found.expect_answer(done, what)
        found.expect(done.returncode in (0, 1), f"{what}: exit code {done.returncode}, {done.stderr}")
    _expect_nothing_left(store, family, what, found)
    after = recorded(store)
    found.expect_kept(before, after, what)
    found.counts["records seen just before a kill"] += len(before)
    if (store / "results.duckdb").exists():
        found.expect_whole(store, what)
        found.counts["verified after a kill" if lives else "verified after a command that had ended"] += 1
    if not lives:
        found.counts["came too late"] += 1
        return after
    found.counts["killed"] += 1
    found.counts[f"killed: {kind.name}"] += 1
    found.counts[f"killed {stage}"] += 1
    found.counts["killed before the first record"] += not after
    return after


def _wait(started: Started, store: Path, seconds: float, dice: random.Random) -> dict[str, str]:
    """Wait for any moment, or for a turn at the database; returns what was recorded by then, where it was looked at."""
    if dice.random() < 0.5:
        time.sleep(dice.uniform(0.0, 1.05 * seconds))
        # What is seen now was recorded. Not each time, since looking makes a writer wait.
        before = recorded(store) if dice.random() < 0.5 else {}
        time.sleep(dice.uniform(0.0, 0.05))
        return before
    left, was_held = dice.randint(1, TURNS), False
    while left and not started.has_ended:
        is_held = _holds_the_database(store, {started.pid})
        left -= is_held and not was_held
        was_held = is_held
        time.sleep(LOOK)
    time.sleep(dice.uniform(0.0, 0.02))
    return {}


def _stage(store: Path, pids: set[int], leftovers: set[tuple[str, int]]) -> str:
    """Say what a command is at while it stands still; what earlier ones left half written says nothing of it."""
    if _half_written(store) - leftovers:
        return "while recording"
    if _holds_the_database(store, pids):
        return "with the database in hand"
    if locked_by(pids) & {inode for path in store.glob("locks/*.lock") for inode, _ in _seen(path)}:
        return "in training or measuring"
    return "before, between and after"


def _half_written(store: Path) -> set[tuple[str, int]]:
    paths = [*store.glob("*.wal"), *store.glob("*.partial"), *store.glob("*/*.partial")]
    return {(path.name, moment) for path in paths for _, moment in _seen(path)}


def _seen(path: Path) -> list[tuple[int, int]]:
    """Return inode and moment of the last change, of a file that may go away meanwhile."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [(status.st_ino, status.st_mtime_ns)]


def _holds_the_database(store: Path, pids: set[int]) -> bool:
    return any(inode in locked_by(pids) for inode, _ in _seen(store / "results.lock"))


def _expect_nothing_left(store: Path, family: set[Process], what: str, found: Findings) -> None:
    end = time.monotonic() + PATIENCE
    while (alive := [each for each in family if is_alive(each)]) and time.monotonic() < end:
        time.sleep(0.05)
    found.expect(not alive, f"{what}: {len(alive)} processes are left over")
    held = locked(store)
    found.expect(not held, f"{what}: locks are held by nobody who lives: {held}")
