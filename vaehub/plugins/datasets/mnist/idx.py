"""Official idx files, which are compressed, with the checksum of their content."""

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import DataCard, fetch, gunzip, parse_idx


def read_idx(card: DataCard, name: str, root: Path | None) -> NDArray[Any]:
    """Return the array of an official gzip-compressed idx file, from the first place that has it.

    Raises:
        DataError: If it is not available, or is not the published file.
    """
    path = fetch(card, name, root)
    published = card.file(name).content
    title = f"{path}, whose content should have {published}," if published else str(path)
    content = gunzip(path.read_bytes(), title)
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
