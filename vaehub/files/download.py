"""Downloading a file: with progress, going on where it was interrupted, and under its final name only when whole."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from vaehub.core.progress import Advance, task
from vaehub.files.card import DataFile
from vaehub.files.locations import lock

BLOCK = 1 << 16
ATTEMPTS = 3
TIMEOUT = 30
"""Seconds without a byte after which a server counts as gone."""

PARTIAL, BEYOND = 206, 416
"""What a server answers: with a part of the file, that there is nothing beyond what is here."""


def download(file: DataFile, folder: Path) -> Path:
    """Return a file that was downloaded into a folder, with its checksum checked.

    What has arrived stays in ``NAME.part`` when a connection breaks, and the next call asks for the rest.

    Raises:
        Exception: In each of the ways in which a network, a server or a disk fails.
    """
    import pooch

    assert file.address is not None, "the caller asks only for files that have an address"
    # The library would log what the progress and the error say better.
    pooch.get_logger().setLevel("CRITICAL")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"

    def fetch(address: str, target: str | IO[bytes], _: Any, check_only: bool = False) -> None:
        assert not check_only, "only repositories of many files are asked so"
        _fetched(address, part)
        # From here on the library checks the sum and gives the final name, or deletes it.
        os.replace(part, str(target))

    with lock(f"download-{folder.name}-{file.name}"):
        return Path(pooch.retrieve(file.address, file.checksum, file.name, folder, downloader=fetch))


def _fetched(address: str, part: Path) -> None:
    import requests

    with task(f"downloading {part.stem}") as advance:
        arrived = _Arrived(advance)
        for attempt in range(1, ATTEMPTS + 1):
            before = part.stat().st_size if part.exists() else 0
            try:
                _rest(address, part, arrived)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                # A line that broke is worth another attempt if it had brought something.
                if attempt == ATTEMPTS or not part.exists() or part.stat().st_size == before:
                    raise
            else:
                return


class _Arrived:
    """How much there is of a file, told as progress; less than before, if a server begins again."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._n = 0

    def is_now(self, n: int, note: str) -> None:
        self._advance(n - self._n, note=note)
        self._n = n


def _rest(address: str, part: Path, arrived: _Arrived) -> None:
    import requests

    have = part.stat().st_size if part.exists() else 0
    # Some servers turn away whoever does not say who they are. Compressed on the way, ranges would mean nothing.
    asked = {"User-Agent": f"vaehub/{version('vaehub')}", "Accept-Encoding": "identity"}
    if have:
        asked["Range"] = f"bytes={have}-"
    with requests.get(address, headers=asked, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == BEYOND:
            if answer.headers.get("Content-Range") != f"bytes */{have}":
                # What is here is longer than the file, so it is of something else.
                part.unlink()
                _rest(address, part, arrived)
            return
        answer.raise_for_status()
        # A server may also answer with all of it.
        resumed = answer.status_code == PARTIAL
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise requests.ConnectionError("the server answered with another part of the file than was asked for")
        total = int(answer.headers.get("Content-Length", 0)) + (have if resumed else 0)
        note = f"of {total / 1e6:.1f} MB" if total else ""
        with part.open("ab" if resumed else "wb") as stream:
            arrived.is_now(stream.tell(), note)
            for block in answer.iter_content(BLOCK):
                stream.write(block)
                arrived.is_now(stream.tell(), note)
            stream.flush()
            os.fsync(stream.fileno())
