"""Formats that are not read as images, and what to do with them instead."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from vaehub.files import member_names, visible_files

ZARR = (".zgroup", ".zarray", "zarr.json")
"""What a folder has that is a group or an array of Zarr, formats 2 and 3."""
SMALLNORB = re.compile(r"smallnorb-.*-(dat|cat|info)\.mat(\.gz)?", re.IGNORECASE)
"""Names of the files of SmallNORB, which are binary matrices and no MATLAB files."""


def foreign(path: Path) -> str | None:
    """Return what a folder or an archive without images is, and what to do; ``None`` if it is nothing known."""
    read = f"anndata.read_zarr({'PATH' if path.is_dir() else 'FOLDER'})"
    if _is_zarr(path):
        packed = "" if path.is_dir() else "unpack it into a folder first; "
        return (
            f"{path} is a {'' if path.is_dir() else 'packed '}Zarr store, and vaehub reads none; {packed}of one that "
            f"AnnData wrote, '{read}.write_h5ad(\"cells.h5ad\")' makes a file that vaehub reads, and "
            f"'vaehub.adapters.as_dataset({read})' a dataset"
        )
    if path.is_dir() and any(SMALLNORB.fullmatch(each.name) for each in visible_files(path)):
        return (
            f"{path} holds files of SmallNORB, which are a dataset of their own; put all six of them there, compressed "
            f"as published (.mat.gz), and ask for '--dataset smallnorb --set data.root={path}'"
        )
    return None


def _is_zarr(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in ZARR)
    # A store is packed with its root at the top, or within the folder that it was.
    places = (PurePosixPath(name) for name in member_names(path))
    return any(place.name in ZARR and len(place.parts) <= 2 for place in places)
