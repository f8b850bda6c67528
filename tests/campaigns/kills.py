"""Commands that are killed (-9) at random moments, and asked for again until they are done."""

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processes import Started

from .findings import Findings, descendants, is_alive, locked, recorded

STUDY = """
[recipe]
model = "vae"
"data.subset" = 200
"train.batch_size" = 100
"train.epochs" = 8
[axes]
"model.latent_dim" = [2, 3]
seed = [0, 1]
[metrics.elbo]
split = "train"
"""
PATIENCE = 10.0
"""Seconds until the workers of a killed process have ended."""
TIMEOUT = 300.0
"""Seconds after which a command hangs."""


@dataclass(frozen=True)
class Kind:
    """A command, and which of its processes is killed."""

    name: str
    arguments: tuple[str, ...]
    workers: bool = False


RUN = ("run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", "--seed", "0", "--seed", "1")
SMALL = ("--set", "train.epochs=20", "--set", "model.latent_dim=4")
SUGGEST = ("suggest-dim", "digits", "--method", "relevant_dimension", "--seeds", "2", "--jobs", "1")
QUICK = ("--set", "data.subset=300", "--set", "train.epochs=2")
# Six of ten kills are of runs, since these write most of the time.
KINDS = (
    Kind("run", (*RUN, *SMALL)),
    Kind("study, parent", ("study", "run", "small.toml", "--jobs", "2")),
    Kind("study, worker", ("study", "run", "small.toml", "--jobs", "2"), workers=True),
    Kind("suggest-dim", (*SUGGEST, *QUICK)),
)
SHARES = (6, 2, 1, 1)


def campaign(n: int, seed: int, folder: Path) -> Findings:
    """Kill so often, each time at another moment."""
    found, dice = Findings(), random.Random(f"kills {seed}")
    (folder / "small.toml").write_text(STUDY)
    Started("--version").end()  # what starts the commands is itself started once, and that takes long
    before = Path.cwd()
    os.chdir(folder)
    try:
        whole: dict[str, tuple[dict[str, str], float]] = {}
        while found.counts["killed"] < n:
            [kind] = dice.choices(KINDS, SHARES)
            if kind.name not in whole:
                whole[kind.name] = undisturbed(kind, folder / f"whole {kind.name}", found)
            n_kills = min(dice.choice((1, 2, 3, 5)), n - found.counts["killed"])
            store = folder / f"store {found.counts['rounds']}"
            found.counts["rounds"] += 1
            _round(kind, store, n_kills, whole[kind.name], (found, dice))
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
    for _ in range(n_kills):
        _kill(kind, store, seconds, tools)
    done = Started(*kind.arguments, "--store", str(store)).end(TIMEOUT)
    found.expect(done.returncode == 0, f"{kind.name}, asked again: exit code {done.returncode}, {done.stderr}")
    found.expect(recorded(store) == contents, f"{kind.name}: the bits are not those of an undisturbed command")
    found.expect_whole(store, f"{kind.name}, asked again")
    found.expect(not list(store.glob("checkpoints/*.h5")), f"{kind.name}: a checkpoint is left over")
    found.counts["completed with the same bits"] += 1


def _kill(kind: Kind, store: Path, seconds: float, tools: tuple[Findings, random.Random]) -> None:
    found, dice = tools
    what = f"{kind.name}, kill {found.counts['killed']}"
    started = Started(*kind.arguments, "--store", str(store))
    time.sleep(dice.uniform(0.0, 1.05 * seconds))
    # What is seen now was recorded. Not each time, since looking makes a writer wait.
    before = recorded(store) if dice.random() < 0.5 else {}
    time.sleep(dice.uniform(0.0, 0.05))
    family = descendants(started.pid)
    ended = started.has_ended or (kind.workers and not family)
    if kind.workers:
        for pid, _ in sorted(family)[-1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    else:
        started.kill()
    done = started.end(TIMEOUT)
    found.counts["came too early or too late" if ended else "killed"] += 1
    if not ended:
        found.counts[f"killed: {kind.name}"] += 1
    if kind.workers:
        found.expect(done.returncode in (0, 1), f"{what}: exit code {done.returncode}, {done.stderr}")
        found.expect("Traceback" not in done.stderr, f"{what}: {done.stderr}")
    _expect_nothing_left(store, family, what, found)
    if store.exists():
        found.expect_kept(before, recorded(store), what)
        found.counts["records seen just before a kill"] += len(before)
    if (store / "results.duckdb").exists():
        found.expect_whole(store, what)
        found.counts["verified after a kill"] += 1


def _expect_nothing_left(store: Path, family: set[tuple[int, str]], what: str, found: Findings) -> None:
    end = time.monotonic() + PATIENCE
    while (alive := [each for each in family if is_alive(each)]) and time.monotonic() < end:
        time.sleep(0.05)
    found.expect(not alive, f"{what}: {len(alive)} processes are left over")
    held = locked(store)
    found.expect(not held, f"{what}: locks are held by nobody who lives: {held}")
