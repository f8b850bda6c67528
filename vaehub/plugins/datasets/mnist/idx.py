"""Official idx files, with the checksum of their content."""

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import DataCard, DataFile, fetch, gunzip, locate, parse_idx


def read_idx(card: DataCard, name: str, root: Path | None) -> NDArray[Any]:
    """Return the array of an official idx file, from the first place that has it.

    It is published compressed. If it is nowhere so, and the checksum of its content is published, it may be
    uncompressed, as torchvision leaves it.

    Raises:
        DataError: If it is not available, or is not the published file.
    """
    published = card.file(name).content
    plain = _uncompressed(card, name, root) if published else None
    path = plain or fetch(card, name, root)
    if plain is None:
        title = f"{path}, whose content should have {published}," if published else str(path)
        content = gunzip(path.read_bytes(), title)
    else:
        content = plain.read_bytes()
    if published is not None:
        found = f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"
        if found != published:
            raise DataError(
                f"{path} is not the published file: the checksum of its content is {found}, and should be {published}; "
                "delete the file, or replace it"
            )
    try:
        return parse_idx(content)
    except DataError as error:
        raise DataError(f"{path} is no idx file: {error}; delete the file, or replace it") from error


def _uncompressed(card: DataCard, name: str, root: Path | None) -> Path | None:
    """Return the path of the uncompressed file, if that alone is here."""
    if locate(card, card.file(name), root) is not None:
        return None
    plain = name.removesuffix(".gz")
    # Some programs that unpack it put a dot before what they take for a suffix.
    places = (locate(card, DataFile(other), root) for other in (plain, plain.replace("-idx", ".idx")))
    return next((place for place in places if place is not None), None)
