"""Fetching an official file from the first place that has it."""

from pathlib import Path

from vaehub.core.errors import DataError
from vaehub.files.card import DataCard, DataFile
from vaehub.files.checksums import check
from vaehub.files.download import download
from vaehub.files.locations import locate, places


def fetch(card: DataCard, name: str, root: Path | None = None) -> Path:
    """Return the path of an official file, downloaded if it is not on this machine.

    Searched in order: ``root``, ``VAEHUB_DATA``, the folder of a package, the cache, the official address. The file's
    checksum is verified, unless only that of its content is published, which is verified on reading.

    Raises:
        DataError: If it is not available (the message lists every place), or is not the published file.
    """
    file = card.file(name)
    found = locate(card, file, root)
    if found is None:
        return _downloaded(card, file, root)
    if file.content is None:
        check(found, file)
    return found


def _downloaded(card: DataCard, file: DataFile, root: Path | None) -> Path:
    folders = places(card, root)
    looked = ", ".join(str(folder) for folder in folders)
    missing = f"dataset {card.folder!r} is not available: {file.name} is in none of {looked}"
    put = "put it into one of these folders, or name another with '-s data.root=FOLDER'"
    if file.address is None:
        raise DataError(f"{missing}, and cannot be downloaded without you; get it from {card.home} and {put}")
    try:
        return download(file, folders[-1])
    # Every failure of the network, the server or the disk ends here.
    except Exception as error:
        raise DataError(f"{missing}, and {file.address} could not be downloaded ({_brief(error)}); {put}") from error


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}" if str(error) else type(error).__name__
