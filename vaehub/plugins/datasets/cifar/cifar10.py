"""CIFAR-10, complete and its first images."""

from abc import abstractmethod
from typing import ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, prepare
from vaehub.files import DataCard, fetch, image_array, locate, open_image, read_members
from vaehub.plugins.datasets.cifar import cards
from vaehub.plugins.datasets.cifar.batches import SHAPE, Batch, from_pickle, from_records
from vaehub.plugins.datasets.cifar.params import PhotographParams

N_CLASSES = len(cards.CLASSES)
TEST_LABELS_START = 50_000
"""Line of the list of labels at which the test split begins."""


class TwoSplits(DataSource[PhotographParams]):
    """Images and labels of a training and a test split."""

    card: ClassVar[DataCard]

    def load(self) -> Dataset:
        """Return the splits ``train`` and ``test``, images ``(n, 3, 32, 32)`` in the official order, with labels.

        The labels are the positions in :data:`vaehub.plugins.datasets.cifar.cards.CLASSES`.

        Raises:
            DataError: If a file is not available, or is not the published one.
        """
        batches = self.batches()
        images = np.concatenate([images for each in batches.values() for images, _ in each])
        labels = np.concatenate([labels for each in batches.values() for _, labels in each])
        n_train = sum(len(labels) for _, labels in batches["train"])
        splits = {"train": range(n_train), "test": range(n_train, len(labels))}
        return prepare(Dataset(torch.from_numpy(images), labels=labels, splits=splits), self.params)

    @abstractmethod
    def batches(self) -> dict[str, list[Batch]]:
        """Return the batches of the splits ``train`` and ``test``, in order."""


@final
class Cifar10(TwoSplits):
    """Photographs of ten classes of objects: Krizhevsky 2009. Read from either official form, pickled or binary."""

    card = cards.CIFAR10

    def batches(self) -> dict[str, list[Batch]]:
        """Return the five training batches and the test batch from whichever archive is here."""
        root = self.params.root
        here = (name for name in (cards.PICKLED, cards.BINARY) if locate(self.card, self.card.file(name), root))
        archive = next(here, cards.PICKLED)
        path = fetch(self.card, archive, root)
        pickled = archive == cards.PICKLED
        folder, ending = ("cifar-10-batches-py", "") if pickled else ("cifar-10-batches-bin", ".bin")
        names = {
            "train": [f"{folder}/data_batch_{n}{ending}" for n in range(1, 6)],
            "test": [f"{folder}/test_batch{ending}"],
        }
        wanted = {name for each in names.values() for name in each}
        # The archive stores them in no particular order.
        found = {
            name: _read(content, f"{path}, {name}", pickled)
            for name, content in read_members(path, wanted.__contains__)
        }
        if missing := sorted(wanted - set(found)):
            raise DataError(f"{path} holds no {missing[0]}; replace the file")
        return {split: [found[name] for name in each] for split, each in names.items()}


def _read(content: bytes, title: str, pickled: bool) -> Batch:
    return from_pickle(content, title, N_CLASSES) if pickled else from_records(content, title, N_CLASSES)


@final
class Cifar10Slice(TwoSplits):
    """The first images of both splits of CIFAR-10, in the official order, from sheets of images."""

    card = cards.CIFAR10_SLICE

    def batches(self) -> dict[str, list[Batch]]:
        """Return one batch per sheet."""
        starts = {"train": 0, "test": TEST_LABELS_START}
        labels = self._labels()
        batches: dict[str, list[Batch]] = {}
        for split, start in starts.items():
            batches[split] = []
            for name in cards.SHEETS[split]:
                images = self._sheet(name)
                of_sheet = labels[start : start + len(images)]
                if len(of_sheet) < len(images):
                    raise DataError(
                        f"{cards.LABELS} of dataset {self.card.folder!r} has {len(labels)} lines, too few for {name}; "
                        "replace the file"
                    )
                batches[split].append((images, of_sheet))
                start += len(images)
        return batches

    def _sheet(self, name: str) -> NDArray[np.uint8]:
        path = fetch(self.card, name, self.params.root)
        pixels = image_array(open_image(path, str(path), channels=3))
        channels, height, width = SHAPE
        if pixels.shape[2] != height * width:
            raise DataError(
                f"{path} is {pixels.shape[2]} pixels wide, and should be {height * width}, a row of the sheet being an "
                "image of 32x32; replace the file"
            )
        return pixels.reshape(channels, -1, height, width).transpose(1, 0, 2, 3)

    def _labels(self) -> NDArray[np.int64]:
        path = fetch(self.card, cards.LABELS, self.params.root)
        lines = path.read_text("latin-1").split()
        known = {str(label): label for label in range(N_CLASSES)}
        if wrong := next((line for line in lines if line not in known), None):
            raise DataError(f"{path} should hold a label from 0 to {N_CLASSES - 1} a line, and has {wrong[:20]!r}")
        return np.array([known[line] for line in lines], np.int64)
