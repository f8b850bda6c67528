"""Description of a dataset before it is downloaded: its files, their origin and licence."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFile:
    """One official file.

    Attributes:
        name: Name of the file as published.
        checksum: Checksum of the published file, such as ``md5:7da3…``; ``None`` if none was published.
        address: Address of the download; ``None`` if it needs an account or manual steps.
        content: Checksum of the uncompressed content, for files that packages compress again.
        n_bytes: Size of the file; ``None`` if unknown.
    """

    name: str
    checksum: str | None = None
    address: str | None = None
    content: str | None = None
    n_bytes: int | None = None


@dataclass(frozen=True)
class DataCard:
    """A dataset as a catalogue shows it.

    Attributes:
        folder: Name of its folder, in the user's folder and in the cache.
        home: Web page of its owners.
        licence: Licence as its owners state it.
        contents: Number and kind of observations, such as ``70,000 images of 28x28, grey``.
        files: The official files; empty for data made here.
        packaged: Folder in which a package of the operating system installs the files.
        factors: Known factors of variation, with their sizes.
        torchvision: Folder in which torchvision puts the files, below its root; empty if it has no such dataset.
    """

    folder: str
    home: str
    licence: str
    contents: str
    files: tuple[DataFile, ...] = ()
    packaged: Path | None = None
    factors: tuple[tuple[str, int], ...] = ()
    torchvision: str = ""

    def file(self, name: str) -> DataFile:
        """Return the file with a name listed on this card."""
        return next(file for file in self.files if file.name == name)
