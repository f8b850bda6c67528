"""Symmetric Solids, whole and reduced."""

from typing import ClassVar, final

import numpy as np
import torch

from vaehub import Dataset, DataSource, OnDemand, prepare
from vaehub.files import DataCard, FileParams, fetch
from vaehub.plugins.datasets.symsol import cards
from vaehub.plugins.datasets.symsol.archive import PARTS, SIDE, image_digests, listed, small_images
from vaehub.plugins.datasets.symsol.params import SymsolParams

N_UNMARKED = 5
"""The first five shapes have no marks."""

REDUCED_SIDE = 64


@final
class Symsol(DataSource[SymsolParams]):
    """Solids seen from all sides: Murphy et al. 2021. Labels are the shapes, sorted by part, shape and number."""

    card: ClassVar[DataCard] = cards.SYMSOL

    def load(self) -> Dataset:
        """Return all images, on demand, in the parts ``train`` and ``test``.

        Raises:
            DataError: If the file cannot be had or read, or the images do not fit into the cache.
        """
        views = listed(fetch(self.card, cards.ARCHIVE, self.params.root))
        images = small_images(views, self.params.size or SIDE, self.params.channels or 3)
        parts = {name: np.flatnonzero(views.part == at) for at, name in enumerate(PARTS)}
        x = OnDemand.mapped(images).of(torch.from_numpy(views.place))
        return prepare(Dataset(x, labels=views.shape, splits=parts), self.params)


@final
class SymsolReduced(DataSource[FileParams]):
    """Distinct views of the five solids without marks: Bonheme 2023, chapter 8.

    The thesis speaks of 112,791 images of 64x64, grey, left when duplicates and marked shapes are removed. How it found
    duplicates is not stated. Here they are images with equal pixels once they are 64x64 and grey, of whatever shape (a
    cone and a cylinder may look alike from below), and the first of them stays, in the order of part, shape and number;
    so there may be more or less than 112,791. There are no parts.
    """

    card: ClassVar[DataCard] = cards.SYMSOL

    def load(self) -> Dataset:
        """Return the images, on demand, shape ``(n, 1, 64, 64)``, with the shapes as labels.

        Raises:
            DataError: If the file cannot be had or read, or the images do not fit into the cache.
        """
        views = listed(fetch(self.card, cards.ARCHIVE, self.params.root))
        rows = np.flatnonzero(views.shape < N_UNMARKED)
        _, first = np.unique(image_digests(views, REDUCED_SIDE, 1)[views.place[rows]], return_index=True)
        rows = rows[np.sort(first)]
        x = OnDemand.mapped(small_images(views, REDUCED_SIDE, 1)).of(torch.from_numpy(views.place[rows]))
        return prepare(Dataset(x, labels=views.shape[rows]), self.params)
