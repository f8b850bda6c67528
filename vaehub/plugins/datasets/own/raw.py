"""Folders as torchvision keeps them: idx files, and pickled batches of CIFAR, which are read without running them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vaehub import DataError, Dataset
from vaehub.files import Bound, gunzip, parse_idx, read_pickle, visible_files
from vaehub.plugins.datasets.own.layout import SPLITS

IDX = re.compile(
    r"(?P<before>.*?)[-._]?(?P<kind>images|labels)[-._]idx\d*([-._][a-z]+)?(?P<packed>\.gz)?", re.IGNORECASE
)
"""Names of idx files: ``train-images-idx3-ubyte``, ``train-images.idx3-ubyte``, compressed or not."""
OF_TEST = "t10k"
"""What MNIST calls its 10,000 test images."""
CIFAR_SHAPE = (3, 32, 32)
CIFAR_LABELS, CIFAR_NAMES = ("fine_labels", "labels"), ("fine_label_names", "label_names")
"""Keys of the labels and of the names of the classes, in CIFAR-100 and CIFAR-10."""

Part = tuple[NDArray[Any], NDArray[Any] | None]
"""Images and labels of a split."""


@dataclass(frozen=True)
class Idx:
    """Idx files that belong together: the file of each split and kind."""

    files: Mapping[tuple[str, str], Path]

    def read(self, bound: Bound) -> tuple[dict[str, Part], Sequence[str] | None]:
        """Return images and labels of each split."""
        splits = dict.fromkeys(split for split, _ in self.files)
        found: dict[str, Part] = {}
        for split in splits:
            images, labels = self.files.get((split, "images")), self.files.get((split, "labels"))
            if images is None:
                raise DataError(
                    f"{labels} holds labels, and there are no images beside it; put the file of images there"
                )
            of_images = read_idx_file(images, bound)
            of_labels = None if labels is None else read_idx_file(labels, bound)
            if of_labels is not None and of_labels.ndim == 2:
                of_labels = of_labels[:, 0]  # QMNIST has the writer and more beside the class
            found[split] = of_images, of_labels
        return found, None

    @property
    def paths(self) -> list[Path]:
        """All files that are read."""
        return list(self.files.values())


@dataclass(frozen=True)
class Cifar:
    """Pickled batches: the files of each split, and the one with the names of the classes."""

    files: Mapping[str, Sequence[Path]]
    names: Path | None

    def read(self, bound: Bound) -> tuple[dict[str, Part], Sequence[str] | None]:
        """Return images and labels of each split, and the names of the classes."""
        bound.check(sum(path.stat().st_size for path in self.paths), "the batches")
        found: dict[str, Part] = {}
        for split, paths in self.files.items():
            parts = [_batch(path) for path in paths]
            found[split] = np.concatenate([x for x, _ in parts]), np.concatenate([labels for _, labels in parts])
        if self.names is None:
            return found, None
        values = _dictionary(self.names)
        names = next((values[key] for key in CIFAR_NAMES if key in values), None)
        return found, [_text(name) for name in names] if isinstance(names, list) else None

    @property
    def paths(self) -> list[Path]:
        """All files that are read."""
        return [path for paths in self.files.values() for path in paths] + ([self.names] if self.names else [])


def raw_dataset(folder: Path, bound: Bound, *, transpose: bool = False) -> Dataset | None:
    """Return the data in a folder that holds idx files or batches of CIFAR; ``None`` if it holds none.

    Args:
        folder: The folder.
        bound: What may be read.
        transpose: Exchange height and width of the images in idx files.

    Raises:
        DataError: If it holds several datasets, or a file is damaged or fits no other.
    """
    files = visible_files(folder)
    found: dict[str, Idx | Cifar] = {**_idx_files(folder, files), **_cifar_files(folder, files)}
    if not found:
        return None
    if len(found) > 1:
        raise DataError(
            f"{folder} holds {len(found)} datasets: {', '.join(map(repr, sorted(found)))}; name the folder of one, "
            "or move the files of one into a folder of their own"
        )
    [(where, raw)] = found.items()
    if transpose and not isinstance(raw, Idx):
        raise DataError(f"{folder} holds batches of CIFAR, and 'transpose' is for idx files; leave it out")
    parts, class_names = raw.read(bound)
    if transpose:
        parts = {split: (_turned(images, str(folder)), labels) for split, (images, labels) in parts.items()}
    notes = [f"read: {', '.join(path.relative_to(folder).as_posix() for path in raw.paths)}"]
    if n_left := len(set(files) - set(raw.paths)):
        notes.append(f"left out: {n_left:,} other files")
    return _dataset(where, parts, class_names, notes + _of_axes(raw.paths, transpose=transpose))


def idx_dataset(path: Path, bound: Bound, *, transpose: bool = False) -> Dataset:
    """Return the images in a single idx file, with height and width exchanged if asked for.

    Raises:
        DataError: If it is no idx file, or holds something else.
    """
    notes = ["labels in another file are read where the folder of both is named"]
    images = read_idx_file(path, bound)
    if transpose:
        images = _turned(images, str(path))
    return _dataset(str(path), {"": (images, None)}, None, notes + _of_axes([path], transpose=transpose))


def read_idx_file(path: Path, bound: Bound) -> NDArray[Any]:
    """Return the array of an idx file, compressed or not.

    Raises:
        DataError: If it is no idx file, or is larger than it may be.
    """
    bound.check(path.stat().st_size, f"the contents of {path}")
    content = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        content = gunzip(content, str(path), bound)
    try:
        return parse_idx(content)
    except DataError as error:
        raise DataError(f"{path} is no idx file: {error}; replace the file") from error


def _turned(images: NDArray[Any], title: str) -> NDArray[Any]:
    if images.ndim != 3:
        raise DataError(f"{title} should hold images (n, h, w) to transpose, and has shape {images.shape}")
    return np.ascontiguousarray(images.transpose(0, 2, 1))


def _of_axes(paths: Sequence[Path], *, transpose: bool) -> list[str]:
    """Return a note where the files are EMNIST's, whose authors stored every image transposed."""
    if transpose or not any("emnist" in path.name.lower() for path in paths):
        return []
    return [
        "files of EMNIST hold every image transposed; '-s data.transpose=true' turns them upright, as those of the "
        "dataset 'emnist' are"
    ]


def _idx_files(folder: Path, files: Sequence[Path]) -> dict[str, Idx]:
    found: dict[str, dict[tuple[str, str], Path]] = defaultdict(dict)
    # An uncompressed file comes after the same file compressed, and takes its place.
    for path in sorted(files, key=lambda path: not path.name.lower().endswith(".gz")):
        if match := IDX.fullmatch(path.name):
            words = [word for word in re.split(r"[-._]", match["before"].lower()) if word]
            split = next((_split(word) for word in words if _split(word)), "")
            group = "-".join([word for word in words if not _split(word)])
            place = path.parent.relative_to(folder).as_posix()
            found[f"{place}/{group}" if group else place][split, match["kind"].lower()] = path
    order = ["", *dict.fromkeys(SPLITS.values())]
    return {
        name: Idx(dict(sorted(each.items(), key=lambda item: order.index(item[0][0])))) for name, each in found.items()
    }


def _split(word: str) -> str:
    return "test" if word == OF_TEST else SPLITS.get(word, "")


def _cifar_files(folder: Path, files: Sequence[Path]) -> dict[str, Cifar]:
    by_folder: dict[Path, dict[str, Path]] = defaultdict(dict)
    for path in files:
        by_folder[path.parent][path.name] = path
    found = {}
    for parent, named in by_folder.items():
        batches = [named[name] for name in sorted(named) if re.fullmatch(r"data_batch_\d", name)]
        if batches and "test_batch" in named:
            raw = Cifar({"train": batches, "test": [named["test_batch"]]}, named.get("batches.meta"))
        elif parent.name == "cifar-100-python" and {"train", "test"} <= set(named):
            raw = Cifar({split: [named[split]] for split in ("train", "test")}, named.get("meta"))
        else:
            continue
        found[parent.relative_to(folder).as_posix()] = raw
    return found


def _batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    values = _dictionary(path)
    data = values.get("data")
    labels = next((values[key] for key in CIFAR_LABELS if key in values), None)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (int(np.prod(CIFAR_SHAPE)),):
        raise DataError(f"{path} should hold 'data' of bytes with shape (n, 3072), and does not; replace the file")
    if not isinstance(labels, list) or len(labels) != len(data) or not all(isinstance(each, int) for each in labels):
        raise DataError(f"{path} should hold {len(data)} whole numbers as labels, and does not; replace the file")
    return data.reshape(-1, *CIFAR_SHAPE), np.array(labels, np.int64)


def _dictionary(path: Path) -> dict[str, Any]:
    found = read_pickle(path.read_bytes(), str(path))
    if not isinstance(found, dict):
        raise DataError(f"{path} should hold a dictionary, and holds a {type(found).__name__}; replace the file")
    return {_text(key): value for key, value in found.items()}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _dataset(where: str, parts: Mapping[str, Part], class_names: Sequence[str] | None, notes: Sequence[str]) -> Dataset:
    shapes = {images.shape[1:] for images, _ in parts.values()}
    first = next(iter(shapes))
    if len(shapes) > 1 or len(first) not in (1, 2, 3) or any(x.dtype != np.uint8 for x, _ in parts.values()):
        found = ", ".join(f"{x.shape} of {x.dtype}" for x, _ in parts.values())
        raise DataError(f"{where} should hold images (n, h, w) of bytes, of one size, and holds {found}")
    for split, (images, labels) in parts.items():
        if labels is not None and labels.shape != (len(images),):
            raise DataError(f"{where} holds {len(images)} images and labels of shape {labels.shape} ({split or 'all'})")
    with_labels = [labels for _, labels in parts.values() if labels is not None]
    if with_labels and len(with_labels) < len(parts):
        raise DataError(f"{where} holds labels of some of its splits ({', '.join(parts)}); put those of all there")
    x = np.concatenate([images for images, _ in parts.values()])
    labels = np.concatenate(with_labels).astype(np.int64) if with_labels else None
    ends = np.cumsum([len(images) for images, _ in parts.values()]).tolist()
    splits = {split: range(end - len(parts[split][0]), end) for split, end in zip(parts, ends, strict=True) if split}
    known = labels is not None and class_names is not None and len(class_names) == int(labels.max()) + 1
    return Dataset(
        torch.from_numpy(x[:, None] if x.ndim == 3 else x),
        labels=labels,
        splits=splits,
        class_names=class_names if known else None,
        notes=notes,
    )
