"""Where files of data can be."""

import os
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from vaehub.files.card import DataCard, DataFile

DATA = "VAEHUB_DATA"
"""Environment variable that names a folder of data."""


def cache_folder() -> Path:
    """Return the folder of downloads and of arrays made from them."""
    return user_cache_path("vaehub")


def lock(name: str) -> FileLock:
    """Return a lock by which processes take turns; its file stays, for a deleted one could be locked twice."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def places(card: DataCard, root: Path | None) -> list[Path]:
    """Return the folders in which a dataset's files are looked for, in order; the last one is the cache.

    A folder that the user names may hold the files themselves, or a folder named for the dataset.
    """
    named = [root] if root is not None else []
    if given := os.environ.get(DATA):
        named.append(Path(given))
    folders = [folder for each in named for folder in (each.expanduser() / card.folder, each.expanduser())]
    if card.packaged is not None:
        folders.append(card.packaged)
    return [*folders, cache_folder() / card.folder]


def locate(card: DataCard, file: DataFile, root: Path | None) -> Path | None:
    """Return where a file is, or ``None``."""
    return next((folder / file.name for folder in places(card, root) if (folder / file.name).is_file()), None)
