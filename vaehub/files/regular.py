"""Regular files, which alone are opened: a pipe is waited for, and a device has no end."""

from __future__ import annotations

import stat
from pathlib import Path

from vaehub.core.errors import DataError


def check_regular(path: Path) -> None:
    """Check that something is a regular file, or a link to one.

    Raises:
        DataError: If there is none, it is a folder, or is a pipe, a socket or a device.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read ({error.strerror}); name a file that is there") from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise DataError(f"{str(path)!r} is {what}, and no file that can be read; name a file")
