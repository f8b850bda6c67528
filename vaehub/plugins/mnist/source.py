"""MNIST and FashionMNIST."""

from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from torch.nn import functional

from vaehub import DataError, Dataset, DataSource, generator
from vaehub.plugins.mnist.idx import Home, IdxFile, read
from vaehub.plugins.mnist.params import IdxParams

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _files(*sums: tuple[str, str]) -> tuple[IdxFile, ...]:
    return tuple(IdxFile(name, *pair) for name, pair in zip(NAMES, sums, strict=True))


class FourFiles(DataSource):
    """Images and labels of a training and a test part, in four idx files."""

    Params = IdxParams
    params: IdxParams
    home: ClassVar[Home]
    files: ClassVar[tuple[IdxFile, ...]]

    def load(self) -> Dataset:
        """Return all images in the parts ``train`` and ``test``, shape ``(n, 1, h, w)``, with labels.

        Raises:
            DataError: If a file cannot be had, or is not the published one.
        """
        x, labels, x_test, labels_test = (torch.from_numpy(self._read(file)) for file in self.files)
        if len(x) != len(labels) or len(x_test) != len(labels_test):
            raise DataError(f"dataset {self.home.dataset!r} has {len(x)} images and {len(labels)} labels")
        if self.params.subset is not None:
            order = torch.randperm(len(x), generator=generator(self.params.subset_seed, "subset"))
            rows = order[: self.params.subset].sort().values
            x, labels = x[rows], labels[rows]
        images = torch.cat([x, x_test])[:, None]
        padded = functional.pad(images, [self.params.pad] * 4)
        parts = {"train": range(len(x)), "test": range(len(x), len(images))}
        return Dataset(padded, labels=torch.cat([labels, labels_test]), parts=parts)

    def _read(self, file: IdxFile) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        # A tensor that shares memory must be writable, and the file's bytes are not.
        return read(file, self.home, self.params.root).copy()


@final
class Mnist(FourFiles):
    """Handwritten digits: LeCun, Cortes & Burges 1998."""

    home = Home("mnist", "https://ossci-datasets.s3.amazonaws.com/mnist/")
    files = _files(
        ("6bbc9ace898e44ae57da46a324031adb", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("a25bea736e30d166cdddb491f175f624", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("2646ac647ad5339dbf082846283269ea", "9fb629c4189551a2d022fa330f9573f3"),
        ("27ae3e4e09519cfbb04c329615203637", "ec29112dd5afa0611ce80d1b7f02629c"),
    )


@final
class FashionMnist(FourFiles):
    """Articles of clothing: Xiao, Rasul & Vollgraf 2017."""

    home = Home(
        "fashion_mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        # Debian's package dataset-fashion-mnist.
        packaged=Path("/usr/share/datasets/fashion-mnist"),
    )
    files = _files(
        ("f4a8712d7a061bf5bd6d2ca38dc4d50a", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("9018921c3c673c538a1fc5bad174d6f9", "25c81989df183df01b3e8a0aad5dffbe"),
        ("8181f5470baa50b63fa0f6fddb340f0a", "bef4ecab320f06d8554ea6380940ec79"),
        ("15d484375f8d13e6eb1aabb0c3f46965", "bb300cfdad3c16e7a12a480ee83cd310"),
    )
