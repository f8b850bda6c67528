"""Batches of 32x32 colour images as CIFAR-10 and ImageNet32 store them: one row per image, one plane per channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import read_pickle

SHAPE = (3, 32, 32)
"""Shape of one image: channels, height, width."""
N_BYTES = 3 * 32 * 32

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images ``(n, 3, 32, 32)`` and labels ``(n,)`` from 0."""


def from_pickle(content: bytes, title: str, n_classes: int, first: int = 0) -> Batch:
    """Return the batch in a pickled dictionary with ``data`` and ``labels``, without running the pickle.

    Args:
        content: The pickle, with keys that are text of Python 2 or 3.
        title: Name of the content in messages.
        n_classes: Number of classes.
        first: Label of the first class in the file.

    Raises:
        DataError: If it holds anything else.
    """
    found = read_pickle(content, title)
    values = {_text(key): value for key, value in found.items()} if isinstance(found, dict) else {}
    data, labels = values.get("data"), values.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (N_BYTES,):
        raise _wrong(title, f"'data' of bytes with shape (n, {N_BYTES})", _description(data))
    if not isinstance(labels, list | np.ndarray) or len(labels) != len(data):
        raise _wrong(title, f"{len(data)} 'labels'", _description(labels))
    return data.reshape(-1, *SHAPE), _checked(labels, title, n_classes, first)


def from_records(content: bytes, title: str, n_classes: int) -> Batch:
    """Return the batch in records of one label byte and 3072 image bytes.

    Raises:
        DataError: If the length is not a multiple of a record's, or a label is too large.
    """
    if len(content) % (1 + N_BYTES) or not content:
        raise _wrong(title, f"records of {1 + N_BYTES} bytes", f"{len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + N_BYTES)
    return records[:, 1:].reshape(-1, *SHAPE), _checked(records[:, 0], title, n_classes, 0)


def _checked(labels: Any, title: str, n_classes: int, first: int) -> NDArray[np.int64]:
    if isinstance(labels, list) and not all(isinstance(label, int) for label in labels):
        raise _wrong(title, "whole numbers as 'labels'", "something else")
    classes = np.asarray(labels)
    if classes.dtype.kind not in "iu" or classes.ndim != 1 or not len(classes):
        raise _wrong(title, "a list of whole numbers as 'labels'", _description(classes))
    if classes.min() < first or classes.max() >= first + n_classes:
        raise _wrong(title, f"labels from {first} to {first + n_classes - 1}", f"{classes.min()} to {classes.max()}")
    return classes.astype(np.int64) - first


def _text(key: object) -> object:
    return key.decode("latin-1") if isinstance(key, bytes) else key


def _description(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"shape {value.shape} of {value.dtype}"
    return "none" if value is None else f"{len(value)}" if isinstance(value, list) else f"a {type(value).__name__}"


def _wrong(title: str, expected: str, found: str) -> DataError:
    return DataError(f"{title} should hold {expected}, and has {found}; replace the file")
