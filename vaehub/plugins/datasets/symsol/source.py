"""Symmetric Solids, complete and reduced."""

from typing import ClassVar, final

import numpy as np
import torch

from vaehub import Dataset, DataSource, OnDemand, prepare
from vaehub.files import DataCard, FileParams, fetch
from vaehub.plugins.datasets.symsol import cards
from vaehub.plugins.datasets.symsol.archive import SIDE, SPLITS, image_digests, listed, small_images
from vaehub.plugins.datasets.symsol.params import SymsolParams

N_UNMARKED = 5
"""The first five shapes have no marks."""

REDUCED_SIDE = 64


@final
class Symsol(DataSource[SymsolParams]):
    """Views of solids from all sides: Murphy et al. 2021. Sorted by split, shape and number; labels are the shapes."""

    card: ClassVar[DataCard] = cards.SYMSOL

    def load(self) -> Dataset:
        """Return all images, on demand, in the splits ``train`` and ``test``.

        Raises:
            DataError: If the file is not available or readable, or the images do not fit into the cache.
        """
        views = listed(fetch(self.card, cards.ARCHIVE, self.params.root))
        images = small_images(views, self.params.size or SIDE, self.params.channels or 3)
        splits = {name: np.flatnonzero(views.split == at) for at, name in enumerate(SPLITS)}
        x = OnDemand.mapped(images).of(torch.from_numpy(views.place))
        return prepare(Dataset(x, labels=views.shape, splits=splits), self.params)


@final
class SymsolReduced(DataSource[FileParams]):
    """Distinct views of the five solids without marks: Bonheme 2023, chapter 8.

    The thesis reports 112,791 grey images of 64x64 after removal of duplicates and marked shapes. It does not state how
    duplicates were found. Here they are images with equal pixels after conversion to 64x64 grey, regardless of shape (a
    cone and a cylinder may look alike from below), and the first one is kept, in the order of split, shape and number;
    so the number may differ from 112,791. There are no splits.
    """

    card: ClassVar[DataCard] = cards.SYMSOL

    def load(self) -> Dataset:
        """Return the images, on demand, shape ``(n, 1, 64, 64)``, with the shapes as labels.

        Raises:
            DataError: If the file is not available or readable, or the images do not fit into the cache.
        """
        views = listed(fetch(self.card, cards.ARCHIVE, self.params.root))
        rows = np.flatnonzero(views.shape < N_UNMARKED)
        _, first = np.unique(image_digests(views, REDUCED_SIDE, 1)[views.place[rows]], return_index=True)
        rows = rows[np.sort(first)]
        x = OnDemand.mapped(small_images(views, REDUCED_SIDE, 1)).of(torch.from_numpy(views.place[rows]))
        return prepare(Dataset(x, labels=views.shape[rows]), self.params)
