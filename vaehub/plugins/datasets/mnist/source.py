"""MNIST, FashionMNIST, KMNIST, QMNIST and EMNIST."""

from abc import abstractmethod
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, prepare
from vaehub.files import DataCard, fetch, gunzip, locate, parse_idx, read_members, read_npz
from vaehub.plugins.datasets.mnist import cards
from vaehub.plugins.datasets.mnist.idx import read_idx
from vaehub.plugins.datasets.mnist.params import EmnistParams, IdxParams

Arrays = tuple[NDArray[np.uint8], NDArray[np.integer]]


class TwoSplits(DataSource[IdxParams]):
    """Images and labels of a training and a test split."""

    card: ClassVar[DataCard]

    def load(self) -> Dataset:
        """Return all images in the splits ``train`` and ``test``, shape ``(n, 1, h, w)``, with labels.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        names = ("train", "test") if self.params.parts == "both" else (self.params.parts,)
        found = [self._checked(*self.arrays(name)) for name in names]
        images = np.concatenate([images for images, _ in found])
        ends = np.cumsum([len(images) for images, _ in found])
        splits = {name: range(end - len(each), end) for name, end, (each, _) in zip(names, ends, found, strict=True)}
        labels = np.concatenate([labels for _, labels in found])
        return prepare(Dataset(torch.from_numpy(images)[:, None], labels=labels, splits=splits), self.params)

    @abstractmethod
    def arrays(self, split: str) -> Arrays:
        """Return images ``(n, h, w)`` and labels ``(n,)`` of the split ``train`` or ``test``."""

    def _checked(self, images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Arrays:
        if len(images) != len(labels):
            raise DataError(f"dataset {self.card.folder!r} has {len(images)} images and {len(labels)} labels")
        return images, labels


class FourFiles(TwoSplits):
    """A dataset in four idx files."""

    def arrays(self, split: str) -> Arrays:
        """Return images and labels from two files."""
        begin = "train" if split == "train" else "t10k"
        return self._array(cards.images_of(begin)), self._array(cards.labels_of(begin))

    def _array(self, name: str) -> NDArray[np.uint8]:
        return read_idx(self.card, name, self.params.root).astype(np.uint8, copy=False)


@final
class Mnist(FourFiles):
    """Handwritten digits: LeCun, Cortes & Burges 1998."""

    card = cards.MNIST


@final
class FashionMnist(FourFiles):
    """Articles of clothing: Xiao, Rasul & Vollgraf 2017."""

    card = cards.FASHION_MNIST


@final
class Kmnist(FourFiles):
    """Characters of cursive Japanese: Clanuwat et al. 2018. Read from either official format, npz or idx."""

    card = cards.KMNIST

    def _array(self, name: str) -> NDArray[np.uint8]:
        other = cards.KMNIST_ARRAYS[name]
        if locate(self.card, self.card.file(other), self.params.root) is None:
            return super()._array(name)
        return read_npz(fetch(self.card, other, self.params.root), "arr_0").astype(np.uint8, copy=False)


@final
class Qmnist(TwoSplits):
    """Handwritten digits with the lost part of MNIST's test set: Yadav & Bottou 2019."""

    card = cards.QMNIST

    def arrays(self, split: str) -> Arrays:
        """Return images, and the first of the eight columns of the labels, which is the digit."""
        images = read_idx(self.card, f"qmnist-{split}-images-idx3-ubyte.gz", self.params.root)
        labels = read_idx(self.card, f"qmnist-{split}-labels-idx2-int.gz", self.params.root)
        return images.astype(np.uint8, copy=False), labels[:, 0]


@final
class Emnist(TwoSplits):
    """Handwritten letters and digits: Cohen et al. 2017."""

    Params = EmnistParams
    params: EmnistParams
    card = cards.EMNIST

    def arrays(self, split: str) -> Arrays:
        """Return images, turned upright, and labels from 0."""
        path = fetch(self.card, cards.EMNIST_ARCHIVE, self.params.root)
        begin = f"gzip/emnist-{self.params.variant}-{split}-"
        names = (f"{begin}images-idx3-ubyte.gz", f"{begin}labels-idx1-ubyte.gz")
        found = dict(read_members(path, lambda name: name in names))
        if missing := [name for name in names if name not in found]:
            raise DataError(f"{path} holds no {missing[0]}; replace the file")
        images, labels = (parse_idx(gunzip(found[name], f"{path}, {name}")) for name in names)
        # The files hold every image transposed. Only the labels of the letters are counted from 1.
        first = int(self.params.variant == "letters")
        return np.ascontiguousarray(images.transpose(0, 2, 1)).astype(np.uint8, copy=False), labels.astype(int) - first
