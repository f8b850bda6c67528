"""Getting a file from the first place that has it."""

from pathlib import Path

from vaehub.core.errors import DataError
from vaehub.files.card import DataCard, DataFile
from vaehub.files.checksums import check
from vaehub.files.download import download
from vaehub.files.locations import locate, places


def fetch(card: DataCard, name: str, root: Path | None = None) -> Path:
    """Return the path of an official file, downloading it if it is nowhere.

    Looked at in order: ``root``, ``VAEHUB_DATA``, the folder of a package, the cache, the official address. The file's
    checksum is checked, unless it is the content's that is published and checked on reading.

    Raises:
        DataError: If it cannot be had (says every place), or is not the published file.
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
    missing = f"dataset {card.folder!r} cannot be had: {file.name} is in none of {looked}"
    put = "put it into one of these folders, or name another with '-s data.root=FOLDER'"
    if file.address is None:
        raise DataError(f"{missing}, and cannot be downloaded without you; get it from {card.home} and {put}")
    try:
        return download(file, folders[-1])
    # Every way in which a network, a server or a disk can fail ends here.
    except Exception as error:
        raise DataError(f"{missing}, and {file.address} could not be downloaded ({_brief(error)}); {put}") from error


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120]}" if str(error) else type(error).__name__
