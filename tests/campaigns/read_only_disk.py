"""A disk that the system makes read-only in mid-run, as it does with one that fails. Only root can mount such a disk.

It is an ext4 file system in a file. A plain remount would be refused while a process has a file open to write.
"""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import Started, command

from .findings import Findings, recorded
from .kills import RUN, SMALL

TIMEOUT = 600.0
SIZE = 48 * 2**20


class Disk:
    """A file system in a file, mounted at a folder."""

    def __init__(self, folder: Path) -> None:
        self._image, self.path = folder.with_suffix(".img"), folder
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        _do("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()

    def fail(self) -> None:
        """Make the system believe in an error of the disk, after which it writes nothing more."""
        device = Path(_do("findmnt", "-n", "-o", "SOURCE", str(self.path)).strip()).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a campaign of tests\n")

    def mend(self) -> None:
        """Check the disk and mount it again, as somebody would who restarts the machine."""
        self.take_away()
        # 1 and 2: it has repaired what the error was said to be.
        subprocess.run(["fsck.ext4", "-p", "-f", str(self._image)], check=False, capture_output=True)
        self._mount()

    def take_away(self) -> None:
        _do("umount", str(self.path))

    def _mount(self) -> None:
        _do("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.path))


def campaign(n: int, seed: int, folder: Path, found: Findings | None = None) -> Findings:
    """Make the disk read-only under a run so often, each time at another moment; goes on where findings end."""
    found = Findings() if found is None else found
    command("--version")  # what starts the commands is itself started once, and that takes long
    started = time.monotonic()
    command(*RUN, *SMALL, "--store", str(folder / "whole"), timeout=TIMEOUT).check_returncode()
    seconds, whole = time.monotonic() - started, recorded(folder / "whole")
    for at in range(found.counts["runs"], n):
        dice = random.Random(f"read-only disk {seed} {at}")
        with disk(folder / f"disk {at}") as mounted:
            _failing(mounted, dice.uniform(0.0, 1.0) * seconds, whole, found)
        found.counts["runs"] += 1
        found.round_ends()
    return found


def _failing(mounted: Disk, seconds: float, whole: dict[str, str], found: Findings) -> None:
    store, what = mounted.path / "store", f"read-only after {seconds:.2f} s"
    running = Started(*RUN, *SMALL, "--store", str(store))
    time.sleep(seconds)
    before = recorded(store)
    found.counts["failed in mid-run"] += not running.has_ended
    mounted.fail()
    done = running.end(TIMEOUT)
    found.counts[f"exit code {done.returncode}"] += 1
    found.expect_answer(done, what)
    if (store / "results.duckdb").exists():
        shown = command("sql", "select count(*) from results", "--store", str(store))
        found.expect(shown.returncode == 0, f"{what}, read there: {shown.stderr}")
    mounted.mend()
    found.counts["records made before"] += len(before)
    found.expect_kept(before, recorded(store), what)
    again = command(*RUN, *SMALL, "--store", str(store), timeout=TIMEOUT)
    found.expect(again.returncode == 0, f"{what}, asked again: exit code {again.returncode}, {again.stderr}")
    found.expect(recorded(store) == whole, f"{what}: the bits are not those of an undisturbed command")
    found.expect_whole(store, what)


def can_fail() -> bool:
    """Say whether this machine lets us mount a file system of our own, and say of it that it fails."""
    programs = ("mkfs.ext4", "fsck.ext4", "findmnt", "mount", "umount")
    return (
        os.geteuid() == 0
        and all(map(shutil.which, programs))
        and Path("/dev/loop-control").exists()
        and Path("/sys/fs/ext4").exists()
    )


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """Mount a disk that can fail."""
    mounted = Disk(folder)
    try:
        yield mounted
    finally:
        mounted.take_away()


def _do(*arguments: str) -> str:
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
