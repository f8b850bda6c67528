"""Downloading a file: with progress, resumed after interruptions, and under its final name only when complete."""

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
"""Seconds without data after which a server counts as gone."""

PARTIAL, BEYOND = 206, 416
"""HTTP status codes: a part of the file follows; nothing follows the part that is already here."""


def download(file: DataFile, folder: Path) -> Path:
    """Download a file into a folder, verify its checksum, and return its path.

    If the connection breaks, the received bytes stay in ``NAME.part``, and the next call resumes from them.

    Raises:
        Exception: Any that a failure of the network, the server or the disk raises.
    """
    import pooch

    assert file.address is not None, "the caller requests only files that have an address"
    # The library's log messages would only repeat the progress and the error.
    pooch.get_logger().setLevel("CRITICAL")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{file.name}.part"

    def fetch(address: str, target: str | IO[bytes], _: Any, check_only: bool = False) -> None:
        assert not check_only, "only repositories of many files are checked like this"
        _fetched(address, part)
        # From here on the library verifies the checksum and gives the final name, or deletes the file.
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
                # A broken connection is worth another attempt if it had delivered something.
                if attempt == ATTEMPTS or not part.exists() or part.stat().st_size == before:
                    raise
            else:
                return


class _Arrived:
    """Reports the size of the partial file as progress; it can fall if a server starts again."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._n = 0

    def is_now(self, n: int, note: str) -> None:
        self._advance(n - self._n, note=note)
        self._n = n


def _rest(address: str, part: Path, arrived: _Arrived) -> None:
    import requests

    have = part.stat().st_size if part.exists() else 0
    # Some servers refuse clients without a name. With transfer compression, ranges would be meaningless.
    asked = {"User-Agent": f"vaehub/{version('vaehub')}", "Accept-Encoding": "identity"}
    if have:
        asked["Range"] = f"bytes={have}-"
    with requests.get(address, headers=asked, stream=True, timeout=TIMEOUT) as answer:
        if have and answer.status_code == BEYOND:
            if answer.headers.get("Content-Range") != f"bytes */{have}":
                # The partial file is longer than the file, so it belongs to something else.
                part.unlink()
                _rest(address, part, arrived)
            return
        answer.raise_for_status()
        # A server may also send the whole file.
        resumed = answer.status_code == PARTIAL
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise requests.ConnectionError("the server sent a different part of the file than was requested")
        total = int(answer.headers.get("Content-Length", 0)) + (have if resumed else 0)
        note = f"of {total / 1e6:.1f} MB" if total else ""
        with part.open("ab" if resumed else "wb") as stream:
            arrived.is_now(stream.tell(), note)
            for block in answer.iter_content(BLOCK):
                stream.write(block)
                arrived.is_now(stream.tell(), note)
            stream.flush()
            os.fsync(stream.fileno())
