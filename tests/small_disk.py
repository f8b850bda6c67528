"""Small disks, to be filled up. Only root can mount one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def can_mount() -> bool:
    """Say whether we may try to mount a disk."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[Path]:
    """Mount a disk of so many bytes in a new or empty folder.

    Raises:
        OSError: If this machine lets nobody mount one.
    """
    path.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(disk: Path, *, free: int) -> Path:
    """Leave so many bytes on a disk, and return the file that takes the rest."""
    found = os.statvfs(disk)
    path = disk / "filling"
    path.write_bytes(bytes(max(0, found.f_bavail * found.f_bsize - free)))
    return path
