"""Where a store can be: any directory whose path the database takes as it is."""

import os
import re
from pathlib import Path

from vaehub.core.errors import StoreError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://?")
_IMPOSSIBLE = {"\0": "a null character"} | ({"\\": "a backslash"} if os.sep == "/" else {})
"""Characters of no path, or by which DuckDB takes it apart: there, a backslash separates folders on every system."""


def place_of_store(path: os.PathLike[str] | str) -> Path:
    """Return the directory of a store, which need not exist.

    Raises:
        StoreError: If there can be no store at that path.
    """
    name = str(path)
    if _ADDRESS.match(name) or name == ":memory:":
        raise StoreError(f"store {name!r} is no directory of this machine; name one with '--store'")
    try:
        folder = Path(path).expanduser()
        whole = str(folder.absolute())
        whole.encode()
        is_file = folder.exists() and not folder.is_dir()
    except RuntimeError as error:
        raise StoreError(
            f"store {name!r} is in the home of a user who has none; name another with '--store'"
        ) from error
    except UnicodeEncodeError as error:
        raise StoreError(f"the path of store {name!r} is not valid Unicode; name another with '--store'") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StoreError(f"store {name!r} cannot be looked for: {why}; name another with '--store'") from error
    if is_file:
        raise StoreError(f"store {str(folder)!r} is a file, and a store is a directory; name another with '--store'")
    for character, title in _IMPOSSIBLE.items():
        if character in whole:
            raise StoreError(
                f"the path of store {whole!r} holds {title}, which DuckDB cannot open; name another with '--store'"
            )
    return folder
