"""Files in a folder: linked folders are followed, loops end, and what is left out is counted."""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from vaehub.core.errors import DataError


@dataclass
class Listing:
    """What lies in a folder and below it.

    Attributes:
        files: Regular files, and links to such, sorted by name.
        hidden: Files and folders whose name begins with a dot or two underscores; nothing below these is looked at.
        broken: Links that lead nowhere.
        repeated: Links to folders that are read under another name, or that hold the folder itself.
        special: Pipes, sockets and devices, which are never opened.
    """

    files: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    repeated: list[Path] = field(default_factory=list)
    special: list[Path] = field(default_factory=list)


Place = tuple[int, int]
"""Device and inode: what a folder is, whatever its name."""


def listed(folder: Path) -> Listing:
    """Return what lies in a folder and below it.

    A folder is read once: under its own name if it lies in the folder, else under the first link to it.

    Raises:
        DataError: If a folder cannot be read.
    """
    found, seen, links = Listing(), {_place(each) for each in folder.resolve().parents}, deque[Path]()
    _add(folder, found, seen, links)
    # Only when all that lies here is known, a link can be told from a second name.
    while links:
        link = links.popleft()
        if _place(link) in seen:
            found.repeated.append(link)
        else:
            _add(link, found, seen, links)
    for each in (found.files, found.hidden, found.broken, found.repeated, found.special):
        each.sort()
    return found


def visible_files(folder: Path) -> list[Path]:
    """Return the files in a folder and below it, sorted by name, without hidden and system files.

    Linked folders are followed as :func:`listed` says.
    """
    return listed(folder).files


def is_hidden(name: str) -> bool:
    """Return whether a name is one of those that systems and tools hide."""
    return name.startswith((".", "__"))


def _add(top: Path, found: Listing, seen: set[Place], links: deque[Path]) -> None:
    left = [top]
    while left:
        folder = left.pop()
        seen.add(_place(folder))
        for path, is_link in _entries(folder):
            try:
                mode = path.stat().st_mode
            # It leads nowhere, or round and round.
            except OSError:
                kind = found.broken if not is_hidden(path.name) else found.hidden
                kind.append(path)
                continue
            if is_hidden(path.name):
                found.hidden.append(path)
            elif stat.S_ISREG(mode):
                found.files.append(path)
            elif not stat.S_ISDIR(mode):
                found.special.append(path)
            elif is_link:
                links.append(path)
            else:
                left.append(path)


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((folder / entry.name, entry.is_symlink()) for entry in entries)
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}); make it readable, or move it away") from error


def _place(folder: Path) -> Place:
    found = folder.stat()
    return found.st_dev, found.st_ino
