"""Datasets of the catalog, the origin of their files, and whether these are on this machine. Loads no data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.files.card import DataCard, DataFile
from vaehub.files.locations import locate
from vaehub.registry.entries import Dataset as DatasetEntry

if TYPE_CHECKING:
    from vaehub.registry.catalog import Catalog, Registered


@dataclass(frozen=True)
class Holding:
    """A dataset with its card and the paths of its files.

    Attributes:
        registered: The catalog's entry.
        card: ``None`` for a user's own data, and if a plugin gives none.
        files: Each file of the card with its path, ``None`` if it is not on this machine.
    """

    registered: Registered
    card: DataCard | None
    files: Sequence[tuple[DataFile, Path | None]]

    @property
    def state(self) -> str:
        """Whether its files are here, in a few words."""
        if self.card is None:
            entry = self.registered.entry
            return "your own" if isinstance(entry, DatasetEntry) and entry.opens else "unknown"
        if not self.files:
            return "needs no files"
        here = sum(path is not None for _, path in self.files)
        if here:
            return "here" if here == len(self.files) else f"{here} of {len(self.files)} files here"
        return "to fetch" if all(file.address for file, _ in self.files) else "to get by hand"

    @property
    def is_at_hand(self) -> bool:
        """Whether it loads without a download."""
        return self.state in ("here", "needs no files")


def holdings(catalog: Catalog, root: Path | None = None) -> list[Holding]:
    """Return all datasets of the catalog."""
    return [holding(each, root) for each in catalog.entries("dataset")]


def holding(registered: Registered, root: Path | None = None) -> Holding:
    """Return one dataset.

    Args:
        registered: Its entry.
        root: Folder searched first.

    Raises:
        VaehubError: If its card cannot be loaded, which is a fault of its plugin.
    """
    card = registered.load_card()
    return Holding(registered, card, [(file, locate(card, file, root)) for file in card.files] if card else [])
