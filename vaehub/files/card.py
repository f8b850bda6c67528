"""What is known of a dataset before any of it is here: its files, where they come from, under what licence."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFile:
    """One official file.

    Attributes:
        name: As published.
        checksum: Of the file as published, such as ``md5:7da3…``; ``None`` where nobody published one.
        address: Where it is downloaded from; ``None`` where that takes an account or a hand.
        content: Checksum of the uncompressed content, for files that packages compress anew.
        n_bytes: Size of the file; ``None`` where unknown.
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
        home: Page of its owners.
        licence: As its owners state it.
        contents: How many of what, such as ``70,000 images of 28x28, grey``.
        files: The official files; empty for what is made here.
        packaged: Folder where a package of the operating system puts the files.
        factors: Known factors of variation, with their sizes.
    """

    folder: str
    home: str
    licence: str
    contents: str
    files: tuple[DataFile, ...] = ()
    packaged: Path | None = None
    factors: tuple[tuple[str, int], ...] = ()

    def file(self, name: str) -> DataFile:
        """Return the file of a name that is on this card."""
        return next(file for file in self.files if file.name == name)
