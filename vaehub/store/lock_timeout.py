"""How long a command waits for a store that another process holds."""

from __future__ import annotations

import math
import os

from vaehub.core.errors import StoreError

LOCK_TIMEOUT = "VAEHUB_LOCK_TIMEOUT"
DEFAULT_LOCK_TIMEOUT = 60.0


def lock_timeout() -> float:
    """Return the seconds to wait for one and the same process, as ``VAEHUB_LOCK_TIMEOUT`` says.

    Raises:
        StoreError: If it says no number.
    """
    given = os.environ.get(LOCK_TIMEOUT) or DEFAULT_LOCK_TIMEOUT
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise StoreError(f"{LOCK_TIMEOUT} is {given!r} and should be a number of seconds")
    return seconds
