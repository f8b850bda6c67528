"""HDF5 files of users: opened only where all that they give lies in the file itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaehub.core.errors import DataError, VaehubError, first_line
from vaehub.files.bounds import Bound
from vaehub.files.regular import check_regular

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

DEEPEST = 32
"""Groups inside each other; data are rarely more than four deep."""
MOST = 100_000
"""Groups and datasets in a file, together with the links to them."""
PER_TEXT = 64
"""Bytes that a text of any length takes beside its letters, as an object of Python."""
AT_ONCE = 1 << 24
"""Bytes of texts that are read at a time; before they are read, nobody knows how long they are."""


@contextmanager
def opened_hdf5(path: Path, what: str = "an HDF5 file") -> Iterator[tuple[h5py.File, list[str]]]:
    """Open an HDF5 file, and find the names of its datasets.

    A file can give parts of other files as its own, which its checksum says nothing of: such files are refused whole.
    Links inside the file are left out of the names, and may be followed: they end at something that has a name.

    Args:
        path: The file.
        what: What it should be, for messages.

    Raises:
        DataError: If it is no such file, refers to other files, is nested too deep or holds too much, or is damaged,
            now or while it is read.
    """
    import h5py

    check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            yield file, _names(file, path)
    except VaehubError:
        raise
    # A damaged file can raise almost any exception, wherever it is read.
    except Exception as error:
        raise DataError(f"{path} cannot be read as {what} ({first_line(error)[:150]}); replace it") from error


def check_dataset(dataset: h5py.Dataset, title: str) -> None:
    """Check that a dataset lies in its own file; for those that are reached by a reference and not by name.

    Raises:
        DataError: If it does not.
    """
    _check_own(dataset.id, title)


def hdf5_size(dataset: h5py.Dataset) -> int:
    """Return the bytes that a dataset declares: without the letters of texts, which no dataset declares."""
    if dataset.shape is None:
        return 0
    per_value = PER_TEXT if dataset.dtype.hasobject else dataset.dtype.itemsize
    # What is decompressed at a time is no smaller than a chunk, however little of it is wanted.
    return per_value * max(_product(dataset.shape), _product(dataset.chunks or ()))


def read_hdf5(dataset: h5py.Dataset, bound: Bound, title: str) -> NDArray[Any]:
    """Return all values of a dataset; texts as ``str``.

    Args:
        dataset: One of numbers or texts, with axes.
        bound: Bytes that it may take.
        title: What it is, for messages.

    Raises:
        TooLarge: If it takes more.
    """
    import h5py

    bound.check(hdf5_size(dataset), f"the values of {title}")
    if h5py.check_string_dtype(dataset.dtype) is None:
        return np.asarray(dataset[()])
    found, n_bytes = [], 0
    rows = max(1, AT_ONCE // PER_TEXT // _product(dataset.shape[1:]))
    for start in range(0, len(dataset) if dataset.shape else 0, rows):
        block = dataset[start : start + rows]
        # Many entries can share one long text in the file, and have it each for themselves when they are read.
        n_bytes += sum(map(len, block.ravel().tolist())) + PER_TEXT * block.size
        bound.check(n_bytes, f"the texts of {title}")
        found.append(dataset.asstr()[start : start + rows])
    return np.concatenate(found) if found else np.asarray(dataset.asstr()[()])


def _names(file: h5py.File, path: Path) -> list[str]:
    """Return the names of all datasets, in order, having looked at every link and object in the file."""
    from h5py import h5g, h5l, h5o, h5s

    names: list[str] = []
    seen, n = {h5o.get_info(file.id).addr}, 0
    left: list[tuple[str, int, Any]] = [("", 0, file.id)]
    while left:
        prefix, depth, group = left.pop()
        n += group.get_num_objs()
        if depth > DEEPEST or n > MOST:
            raise DataError(
                f"{path} has groups more than {DEEPEST} deep, or more than {MOST:,} entries, as no data have; do not "
                "trust it, or copy what you need into another file"
            )
        links: list[bytes] = []
        group.links.iterate(links.append)
        inner = []
        for name in links:
            title = f"{prefix}{name.decode(errors='replace')}"
            kind = group.links.get_info(name).type
            if kind == h5l.TYPE_SOFT:
                continue
            if kind != h5l.TYPE_HARD:
                raise _elsewhere(f"{path}, {title!r},", "a link to another file")
            about = h5o.get_info(group, name)
            if about.addr in seen:
                continue
            seen.add(about.addr)
            if about.type == h5o.TYPE_GROUP:
                inner.append((f"{title}/", depth + 1, h5g.open(group, name)))
            elif about.type == h5o.TYPE_DATASET:
                dataset = h5o.open(group, name)
                _check_own(dataset, f"{path}, {title!r},")
                # One that has no values at all is nothing that could be read.
                if dataset.get_space().get_simple_extent_type() != h5s.NULL:
                    names.append(title)
        left += reversed(inner)
    return names


def _check_own(dataset: Any, title: str) -> None:
    from h5py import h5d

    made = dataset.get_create_plist()
    if made.get_layout() == h5d.VIRTUAL:
        raise _elsewhere(title, "a virtual dataset, made of others")
    if made.get_external_count():
        raise _elsewhere(title, "a dataset whose values are in another file")


def _elsewhere(title: str, what: str) -> DataError:
    return DataError(
        f"{title} is {what}: what it gives could change, and its file stay the same; copy it into a file of its own"
    )


def _product(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=object))
