"""Locations of data files."""

import os
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from vaehub.files.card import DataCard, DataFile

DATA = "VAEHUB_DATA"
"""Environment variable that names a folder of datasets."""


def cache_folder() -> Path:
    """Return the folder of downloads and of the arrays unpacked from them."""
    return user_cache_path("vaehub")


def lock(name: str) -> FileLock:
    """Return a lock between processes; its file stays, because a deleted one could be locked twice."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def places(card: DataCard, root: Path | None) -> list[Path]:
    """Return the folders that are searched for a dataset's files, in order; the last one is the cache.

    A folder that the user names may hold the files themselves, or a folder named for the dataset, by us or torchvision.
    """
    named = [root] if root is not None else []
    if given := os.environ.get(DATA):
        named.append(Path(given))
    below = [card.folder, "", *([card.torchvision] if card.torchvision else [])]
    folders = [each.expanduser() / folder for each in named for folder in below]
    if card.packaged is not None:
        folders.append(card.packaged)
    return [*folders, cache_folder() / card.folder]


def locate(card: DataCard, file: DataFile, root: Path | None) -> Path | None:
    """Return the path of a file, or ``None`` if it is in none of the folders."""
    return next((folder / file.name for folder in places(card, root) if (folder / file.name).is_file()), None)
