"""Reading idx files: finding them, checking them, decoding them."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from vaehub import DataError, task

DATA = "VAEHUB_DATA"
UNSIGNED_BYTES = 0x08
"""Type code of the third byte of an idx header."""


@dataclass(frozen=True)
class IdxFile:
    """One official file.

    Attributes:
        name: As published.
        md5: Of the uncompressed content, since packages compress it anew.
        md5_gz: Of the file as published.
    """

    name: str
    md5: str
    md5_gz: str


@dataclass(frozen=True)
class Home:
    """Where the files of a dataset can be.

    Attributes:
        dataset: Name of the dataset, and of its folder in the user's folder and in the cache.
        address: Official address, to which a file's name is appended.
        packaged: Folder where a package of the operating system puts them, if there is one.
    """

    dataset: str
    address: str
    packaged: Path | None = None


def read(file: IdxFile, home: Home, root: Path | None) -> NDArray[np.uint8]:
    """Return the content of a file from the first place that has it, downloading it if none has.

    Looked at in order: ``root``, ``VAEHUB_DATA``, the package's folder, the cache, the official address.

    Raises:
        DataError: If it cannot be had (says every place), or is not the published content.
    """
    places = _places(home, root)
    found = next((folder / file.name for folder in places if (folder / file.name).is_file()), None)
    return _decoded(found or _downloaded(file, home, places), file)


def _places(home: Home, root: Path | None) -> list[Path]:
    named = [root] if root is not None else []
    if given := os.environ.get(DATA):
        named.append(Path(given))
    folders = [folder for each in named for folder in (each.expanduser() / home.dataset, each.expanduser())]
    if home.packaged is not None:
        folders.append(home.packaged)
    return [*folders, user_cache_path("vaehub") / home.dataset]


def _downloaded(file: IdxFile, home: Home, places: Sequence[Path]) -> Path:
    import pooch

    # The library would log what the progress and the error say better.
    pooch.get_logger().setLevel("CRITICAL")
    address, cache = home.address + file.name, places[-1]
    try:
        with task(f"downloading {file.name}") as advance:
            downloader = pooch.HTTPDownloader(progressbar=_Bar(advance), timeout=30)
            path = pooch.retrieve(address, f"md5:{file.md5_gz}", file.name, cache, downloader=downloader)
    # Every way in which a network, a server or a disk can fail ends here.
    except Exception as error:
        looked = ", ".join(str(folder) for folder in places)
        raise DataError(
            f"dataset {home.dataset!r} cannot be had: {file.name} is in none of {looked}, and {address} could not be "
            f"downloaded ({_brief(error)}); put the files into one of these folders, or name another with "
            "'-s data.root=FOLDER'"
        ) from error
    return Path(path)


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}" if str(error) else type(error).__name__


class _Bar:
    """What the downloader reports to, handed on as progress."""

    def __init__(self, advance: Any) -> None:
        self._advance = advance
        self.total = 0

    def update(self, amount: int) -> None:
        self._advance(amount, note=f"of {self.total / 1e6:.1f} MB")

    def reset(self) -> None:
        """Do nothing: the downloader calls this before it fills the bar once more."""

    def close(self) -> None:
        """Do nothing: the task ends by itself."""


def _decoded(path: Path, file: IdxFile) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}); its content should have md5 {file.md5}: delete the file, or replace it"
        ) from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != file.md5:
        raise DataError(
            f"{path} is not the published file: the md5 of its content is {found}, and should be {file.md5}; "
            "delete the file, or replace it"
        )
    return parse_idx(content)


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Return the array of an uncompressed idx file of unsigned bytes.

    The header is two zero bytes, a type code, the number of axes, and each axis as a big-endian 32-bit integer.

    Raises:
        DataError: If the header or the length is wrong.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTES]):
        raise DataError(f"an idx file of bytes starts with 00 00 08, got {content[:3].hex(' ') or 'nothing'}")
    n_axes = content[3]
    start = 4 + 4 * n_axes
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if len(shape) != n_axes or len(content) - start != np.prod(shape, dtype=np.int64):
        raise DataError(f"an idx file of shape {shape} has {np.prod(shape)} values, got {len(content) - start}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
