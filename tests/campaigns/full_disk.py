"""A disk that is full at any of the writes of a command. Only root can mount one that is small enough."""

import random
import shutil
from pathlib import Path

from processes import command
from small_disk import fill, small_disk

from .findings import Findings, recorded

RUN = ("run", "--model", "ard", "--metric", "relevance", "--metric", "representation_signature", "--seed", "0")
SMALL = ("--set", "train.epochs=5", "--set", "model.latent_dim=4")
TIMEOUT = 300.0
MIB = 2**20


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Carry a run out so often, each time with other room left, from none to all that it takes."""
    found = Findings() if found is None else found
    command(*RUN, *SMALL, "--store", str(folder / "whole")).check_returncode()
    whole = recorded(folder / "whole")
    # The database is made beside its place, and written twice at most.
    room = 2 * sum(path.stat().st_size for path in (folder / "whole").rglob("*") if path.is_file())
    with small_disk(folder / "disk", 16 * MIB + room) as disk:
        for at in range(found.counts["runs"], n):
            dice = random.Random(f"full disk {seed} {at}")
            store, free = disk / f"store {at}", int(room * (at + dice.random()) / n)
            what = f"{free} bytes free"
            filling = fill(disk, free=free)
            done = command(*RUN, *SMALL, "--store", str(store), timeout=TIMEOUT)
            found.counts[f"exit code {done.returncode}"] += 1
            found.expect_answer(done, what)
            before = recorded(store)
            found.counts["records made before the disk was full"] += len(before)
            filling.unlink()
            again = command(*RUN, *SMALL, "--store", str(store), timeout=TIMEOUT)
            found.expect(again.returncode == 0, f"{what}, asked again with room: {again.stderr}")
            found.expect_kept(before, recorded(store), what)
            found.expect(recorded(store) == whole, f"{what}: the bits are not those of an undisturbed command")
            found.expect_whole(store, what)
            shutil.rmtree(store)
            found.counts["runs"] += 1
            found.round_ends()
    return found
