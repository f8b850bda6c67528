"""ImageNet32."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, OnDemand, prepare
from vaehub.files import DataCard, checksum, fetch, read_members, unpack
from vaehub.plugins.datasets.cifar import cards
from vaehub.plugins.datasets.cifar.batches import N_BYTES, SHAPE, Batch, from_pickle
from vaehub.plugins.datasets.cifar.params import PhotographParams

N_CLASSES = 1000
AT_ONCE = 4096
"""Images whose channels are reordered at a time; bounds memory, changes no result."""
LABEL = np.dtype("<u2")


@final
class ImageNet32(DataSource[PhotographParams]):
    """The photographs of ILSVRC 2012, downsampled: Chrabaszcz, Loshchilov & Hutter 2017.

    Labels are the owners' minus 1, and so in the order of their ``map_clsloc.txt``, which is not that of the names of
    ILSVRC's folders. The images are as stored; their mean, which the files contain too, is not subtracted.
    """

    card: ClassVar[DataCard] = cards.IMAGENET32
    n: ClassVar[dict[str, int]] = {"train": 1_281_167, "test": 50_000}
    """Images of each split, which must be known before the first is read."""

    def load(self) -> Dataset:
        """Return images ``(n, 3, 32, 32)`` on demand, in the official order, with labels.

        The splits are ``train`` and ``test``, which the owners call validation. The first call unpacks all images into
        the cache: 4.1 GB.

        Raises:
            DataError: If a file is not available, or is not as expected.
        """
        paths = {split: fetch(self.card, name, self.params.root) for split, name in cards.ARCHIVES.items()}
        n, n_train = sum(self.n.values()), self.n["train"]
        sums = (checksum(path, "md5").removeprefix("md5:") for path in paths.values())
        # All images and then all labels in one array: in two, the archives would have to be read twice.
        values = unpack(
            "-".join(["imagenet32", *sums]),
            (n * (N_BYTES + LABEL.itemsize),),
            np.dtype(np.uint8),
            lambda: self._bytes(paths),
        )
        images = values[: n * N_BYTES].reshape(n, *SHAPE[1:], SHAPE[0])
        labels = values[n * N_BYTES :].view(LABEL).astype(np.int64)
        splits = {"train": range(n_train), "test": range(n_train, n)}
        return prepare(Dataset(OnDemand.mapped(images), labels=labels, splits=splits), self.params)

    def _bytes(self, paths: dict[str, Path]) -> Iterator[NDArray[np.uint8]]:
        """Yield the bytes of all images, channels last, then those of all labels."""
        labels: list[NDArray[np.int64]] = []
        for split, path in paths.items():
            found = 0
            for name in cards.BATCHES[split]:
                images, of_batch = _batch(path, name)
                labels.append(of_batch)
                found += len(images)
                for start in range(0, len(images), AT_ONCE):
                    yield images[start : start + AT_ONCE].transpose(0, 2, 3, 1).reshape(-1)
                # Freed before the next one is read, so that only one is in memory.
                del images
            if found != self.n[split]:
                raise DataError(f"{path} should have {self.n[split]} images, and has {found}; replace the file")
        yield np.concatenate(labels).astype(LABEL).view(np.uint8)


def _batch(path: Path, name: str) -> Batch:
    # Copies of the archive differ in whether the files lie in a folder.
    for member, content in read_members(path, lambda member: PurePosixPath(member).name == name):
        return from_pickle(content, f"{path}, {member}", N_CLASSES, first=1)
    raise DataError(f"{path} holds no {name}; replace the file")
