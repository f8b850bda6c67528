"""Files and folders that appear whole: what was there before stays as it was until all of the new is on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from vaehub.core.errors import VaehubError, WorkFailed, first_line
from vaehub.store.files import flush


@contextmanager
def whole_file(path: Path, what: str) -> Iterator[Path]:
    """Give the path of a new file with the same ending, which takes the place of another when the context ends well.

    If it does not, the new file is removed and the old one is as it was. A link stays a link to what is replaced, and
    permissions stay. A pipe or a device, such as ``/dev/stdout``, is written to as it is.

    Args:
        path: What is asked for.
        what: What is written, as the subject of a sentence, such as "the picture".

    Raises:
        VaehubError: If nothing can be written there.
        WorkFailed: If writing fails, as on a full disk.
    """
    try:
        target = path.expanduser().resolve()
        is_stream = target.exists() and not target.is_file() and not target.is_dir()
        # It is seen whether the folder can be written to before the work.
        new = target if is_stream else _beside(path, target)
    except (OSError, ValueError, RuntimeError) as error:
        raise VaehubError(f"{what} cannot be written to {str(path)!r}: {_reason(error)}") from error
    try:
        yield new
        if not is_stream:
            with new.open("rb") as stream:
                os.fsync(stream.fileno())
            new.replace(target)
    except VaehubError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise WorkFailed(f"{what} cannot be written to {str(path)!r}: {_reason(error)}") from error
    finally:
        if not is_stream:
            new.unlink(missing_ok=True)


def can_be_written(path: Path, what: str) -> None:
    """See whether a file could be written, before the work that it shows; nothing is left there.

    Raises:
        VaehubError: If it could not.
    """
    try:
        target = path.expanduser().resolve()
        if target.is_file() or target.is_dir() or not target.exists():
            _beside(path, target).unlink()
    except (OSError, ValueError, RuntimeError) as error:
        raise VaehubError(f"{what} cannot be written to {str(path)!r}: {_reason(error)}") from error


def _beside(path: Path, target: Path) -> Path:
    """Return an empty file beside another, with its permissions, or with the usual ones."""
    if target.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    for each in (path, target):
        if not each.expanduser().parent.is_dir():
            raise FileNotFoundError(0, f"there is no folder {str(each.parent)!r}")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(0, "it is write-protected")
    new = target.with_name(f".{uuid4().hex}{target.suffix}")
    new.touch(exist_ok=False)
    if target.exists():
        new.chmod(target.stat().st_mode & 0o7777)
    return new


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or first_line(error)


@contextmanager
def whole_folder(path: Path, what: str) -> Iterator[Path]:
    """Give the path of a new folder, which gets its name when the context ends well; if it does not, it is removed.

    Args:
        path: What is asked for; nothing may be there but an empty folder.
        what: What is written, as the subject of a sentence in the plural.

    Raises:
        VaehubError: If something is there, or nothing can be written there.
        WorkFailed: If writing fails, as on a full disk.
    """
    try:
        target = path.expanduser().absolute()
        if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
            raise VaehubError(f"{what} cannot be written to {str(path)!r}: it is there already; name another folder")
        if not target.parent.is_dir():
            raise FileNotFoundError(0, f"there is no folder {str(path.parent)!r}")
        new = target.with_name(f".{uuid4().hex}")
        new.mkdir()
    except (OSError, ValueError, RuntimeError) as error:
        raise VaehubError(f"{what} cannot be written to {str(path)!r}: {_reason(error)}") from error
    try:
        yield new
        for each in (*new.rglob("*"), new):
            flush(each)
        new.rename(target)
        flush(target.parent)
    except VaehubError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise WorkFailed(f"{what} cannot be written to {str(path)!r}: {_reason(error)}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
