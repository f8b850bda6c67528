"""Stores that are deleted, moved, or made read-only while a command works in them."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from processes import Started, command

from .findings import Findings, recorded
from .process_table import locked

RUN = ("run", "--model", "ard", "--metric", "relevance", "--metric", "elbo", "--seed", "0", "--seed", "1")
SMALL = ("--jobs", "1", "--set", "train.epochs=20", "--set", "model.latent_dim=4")
TIMEOUT = 300.0


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Disturb a run so often, each time at another moment and in another way; goes on where earlier findings end."""
    found = Findings() if found is None else found
    command("--version")  # what starts the commands is itself started once, and that takes long
    started = time.monotonic()
    command(*RUN, *SMALL, "--store", str(folder / "whole")).check_returncode()
    seconds, whole = time.monotonic() - started, recorded(folder / "whole")
    for at in range(found.counts["runs"], n):
        dice = random.Random(f"places {seed} {at}")
        disturb = (_deleted, _moved, _read_only)[at % 3]
        store = folder / f"store {at}"
        place = disturb(store, dice.random() * seconds, found)
        found.counts[disturb.__name__.strip("_").replace("_", "-")] += 1
        what = f"{disturb.__name__.strip('_')} {at}"
        found.expect(not locked(place), f"{what}: locks are held by nobody who lives: {locked(place)}")
        done = command(*RUN, *SMALL, "--store", str(place), timeout=TIMEOUT)
        found.expect(done.returncode == 0, f"{what}, asked again: exit code {done.returncode}, {done.stderr}")
        found.expect(recorded(place) == whole, f"{what}: the bits are not those of an undisturbed command")
        found.expect_whole(place, what)
        shutil.rmtree(place)
        found.counts["runs"] += 1
        found.round_ends()
    return found


def _disturbed(store: Path, seconds: float, disturb: Callable[[Path], None], found: Findings) -> CompletedProcess[str]:
    running = Started(*RUN, *SMALL, "--store", str(store))
    # On a busy machine it takes longer than the undisturbed one until there is a store.
    while not running.has_ended and not store.exists():
        time.sleep(0.01)
    time.sleep(0.5 * seconds)
    if not running.has_ended:
        disturb(store)
        found.counts["disturbed"] += 1
    done = running.end(TIMEOUT)
    found.counts[f"exit code {done.returncode}"] += 1
    return done


def _deleted(store: Path, seconds: float, found: Findings) -> Path:
    done = _disturbed(store, seconds, lambda path: shutil.rmtree(path, ignore_errors=True), found)
    found.expect_answer(done, f"deleted after {seconds:.2f} s")
    return store


def _moved(store: Path, seconds: float, found: Findings) -> Path:
    target, before = store.with_name(f"{store.name} moved"), {}

    def move(path: Path) -> None:
        before.update(recorded(path))
        path.rename(target)

    done = _disturbed(store, seconds, move, found)
    found.expect_answer(done, f"moved after {seconds:.2f} s")
    if target.exists():
        found.expect_kept(before, recorded(target), f"moved after {seconds:.2f} s")
        if store.exists():  # what it went on with is a store, too
            found.expect_whole(store, f"moved after {seconds:.2f} s, the old place")
            shutil.rmtree(store)
        return target
    return store


def _read_only(store: Path, seconds: float, found: Findings) -> Path:
    """File modes mean nothing to root, so that this one is a process of its own that has put the privilege down."""
    before: dict[str, str] = {}
    asked = [*_unprivileged(), sys.executable, "-c", "from vaehub.cli.main import main; main()"]
    running = subprocess.Popen(
        [*asked, *RUN, *SMALL, "--store", str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while running.poll() is None and not store.exists():
        time.sleep(0.01)
    time.sleep(0.5 * seconds)
    if running.poll() is None:
        before.update(recorded(store))
        _protect(store, writable=False)
        found.counts["disturbed"] += 1
    out, errors = running.communicate(timeout=TIMEOUT)
    found.counts[f"exit code {running.returncode}"] += 1
    what = f"read-only after {seconds:.2f} s"
    found.expect_answer(CompletedProcess(RUN, running.returncode, out, errors), what)
    if store.exists():
        found.expect_kept(before, recorded(store), what)
        _protect(store, writable=True)
    return store


def _unprivileged() -> list[str]:
    if os.geteuid() or not (setpriv := shutil.which("setpriv")):
        return []
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def _protect(store: Path, *, writable: bool) -> None:
    for path in (store, *store.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o200 if writable else mode & ~0o222)
