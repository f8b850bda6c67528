"""PyTorch's datasets and loaders, and whatever else gives its observations one by one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import data as torch_data

from vaehub.adapters.found_data import Found, Wanted, chosen
from vaehub.adapters.observations import numbers, picture, stacked
from vaehub.core.errors import DataError, VaehubError, described, first_line

log = logging.getLogger(__name__)

OBSERVATIONS = ("x", "image", "img", "images", "pixel_values", "data", "input", "inputs", "features", "vector")
"""Names of the observation in a mapping, in order of search."""
LABELS = ("label", "labels", "y", "target", "targets", "class")
"""Names of the label in a mapping, in order of search."""
CHECKED = 8
"""Items that are read twice, to see whether they stay the same."""


def is_itemised(data: object) -> bool:
    """Return whether something gives items by number, as a torch Dataset does, or one after the other."""
    if isinstance(data, str | bytes | Mapping | list | tuple | type):
        return False
    return isinstance(data, torch_data.Dataset | torch_data.DataLoader) or (
        hasattr(data, "__getitem__") and hasattr(data, "__len__")
    )


def read_items(data: Any, title: str, wanted: Wanted) -> Found:
    """Return all items: observations, pairs of an observation and its label, or mappings with both.

    A loader that shuffles is read in the order of its dataset, which is the same on every pass.

    Raises:
        DataError: If items are something else, cannot be read, or differ from one reading to the next.
    """
    if isinstance(data, torch_data.TensorDataset) and len(data.tensors) <= 2:
        return _of_columns(list(data.tensors), title, wanted)
    rows: Iterator[Any]
    if isinstance(data, torch_data.DataLoader):
        rows, n = _loaded(data, title), None
    elif isinstance(data, torch_data.IterableDataset):
        rows, n = _guarded(iter(data), title), None
    else:
        try:
            n = len(data)
        except TypeError as error:
            raise DataError(
                f"{title} does not say how many observations it has; give it a method __len__, or give a list of them"
            ) from error
        if not n:
            raise DataError(f"{title} is empty; give at least one observation")
        _check_fixed(data, title)
        rows = _read(data, range(n), title)
    columns = _Columns(title, wanted)
    for at, row in enumerate(rows):
        columns.add(row, at, n)
    return columns.found()


class _Columns:
    """Collects items into columns: observations, labels, factors."""

    def __init__(self, title: str, wanted: Wanted) -> None:
        self._title = title
        self._wanted = wanted
        self._x: list[Any] = []
        self._whole: NDArray[Any] | None = None
        self._labels: list[Any] = []
        self._factors: dict[str, list[Any]] = {name: [] for name in wanted.factors}

    def add(self, item: Any, at: int, n: int | None) -> None:
        x, label, factors = self._taken_apart(item, at)
        array = numbers(picture(x), f"{self._title}, observation {at},")
        if at == 0 and n is not None:
            # Filled as it is read, so that observations are not kept twice.
            self._whole = np.empty((n, *array.shape), array.dtype)
        if self._whole is None:
            self._x.append(array)
        elif array.shape != self._whole.shape[1:]:
            raise DataError(
                f"{self._title} holds observations of different shapes, such as {self._whole.shape[1:]} (observation "
                f"0) and {array.shape} (observation {at}); bring them to one shape"
            )
        else:
            self._whole = self._wide_enough(self._whole, array)
            self._whole[at] = array
        if label is not None:
            self._labels.append(label)
        for name, value in factors.items():
            self._factors[name].append(value)

    def found(self) -> Found:
        x = stacked(self._x, self._title) if self._whole is None else self._whole
        if self._labels and len(self._labels) != len(x):
            raise DataError(f"{self._title} holds {len(x)} observations and {len(self._labels)} labels")
        return Found(x, self._labels or None, self._factors)

    @staticmethod
    def _wide_enough(whole: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
        dtype = np.result_type(whole.dtype, array.dtype)
        return whole if dtype == whole.dtype else whole.astype(dtype)

    def _taken_apart(self, item: Any, at: int) -> tuple[Any, Any, dict[str, Any]]:
        wanted, title = self._wanted, f"{self._title}, item {at},"
        if isinstance(item, Mapping):
            return self._by_name(item, title)
        wanted.refuse_names(self._title)
        if not isinstance(item, tuple):
            return item, None, {}
        if len(item) not in (1, 2):
            raise DataError(
                f"{title} is a tuple of {len(item)}, and an observation alone or with its label can be read; give a "
                "dataset whose items are (x, label)"
            )
        label = item[1] if len(item) == 2 and not wanted.no_labels else None
        return item[0], None if label is None else _label(label, title), {}

    def _by_name(self, item: Mapping[str, Any], title: str) -> tuple[Any, Any, dict[str, Any]]:
        wanted, names = self._wanted, [str(name) for name in item]
        chosen(wanted.names, names, title)
        key = next((name for name in OBSERVATIONS if name in names), None)
        if key is None:
            raise DataError(
                f"{title} is a mapping with {', '.join(map(repr, names))}, and which is the observation is not known; "
                f"name it {OBSERVATIONS[0]!r} or {OBSERVATIONS[1]!r}"
            )
        found = wanted.labels or next((name for name in LABELS if name in names and name not in wanted.factors), None)
        label = None if found is None or wanted.no_labels else _label(item[found], title)
        return item[key], label, {name: _label(item[name], title) for name in wanted.factors}


def _of_columns(tensors: list[Tensor], title: str, wanted: Wanted) -> Found:
    wanted.refuse_names(title)
    labels = tensors[1] if len(tensors) == 2 and not wanted.no_labels else None
    if labels is not None and len(labels):
        _label(labels[0], title)
    return Found(numbers(tensors[0], title), labels)


def _label(label: Any, title: str) -> Any:
    """Return a label as a Python value: a whole number or a word, of which classes are made."""
    value = label
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if np.prod(value.shape, dtype=int) != 1:
            raise DataError(
                f"{title} has a label of shape {tuple(value.shape)}, and labels are one number or word each; leave "
                "them out with as_dataset(data, labels=False), or give labels=…, one for each observation"
            )
        value = value.item()
    if isinstance(value, bool | int | str | bytes):
        return value
    if isinstance(value, float):
        raise DataError(
            f"{title} has the label {value!r}: a number to predict or a class; give labels=… as whole numbers or "
            "words, or leave them out with as_dataset(data, labels=False)"
        )
    raise DataError(
        f"{title} has {described(label)} where its label would be, and labels are one number or word each; leave them "
        "out with as_dataset(data, labels=False)"
    )


def _loaded(loader: torch_data.DataLoader[Any], title: str) -> Iterator[Any]:
    """Yield the items of a loader, in an order that is the same on every pass."""
    dataset, size = loader.dataset, loader.batch_size
    if isinstance(dataset, torch_data.IterableDataset):
        batches = _guarded(iter(loader), title)
        yield from batches if size is None else _unbatched(batches, size, None, title)
        return
    grouped = loader.batch_sampler
    is_plain = type(grouped) is torch_data.BatchSampler
    rows = _rows(grouped.sampler if is_plain else grouped or loader.sampler, len(dataset), title)  # type: ignore
    _check_fixed(dataset, title)
    if not is_plain:
        yield from _read(dataset, rows, title)
        return
    size = int(grouped.batch_size)  # type: ignore[union-attr]
    ordered: Any = torch_data.DataLoader(
        dataset, batch_size=size, sampler=rows, collate_fn=loader.collate_fn, num_workers=loader.num_workers
    )
    yield from _unbatched(_guarded(iter(ordered), title), size, len(rows), title)


def _rows(sampler: Any, n: int, title: str) -> list[int]:
    """Return the rows that a sampler draws from, in order."""
    is_shuffling = (
        isinstance(sampler, torch_data.RandomSampler) and not sampler.replacement and sampler.num_samples >= n
    )
    if isinstance(sampler, torch_data.SubsetRandomSampler):
        rows = sorted(int(at) for at in sampler.indices)
    elif is_shuffling or isinstance(sampler, torch_data.SequentialSampler):
        rows = list(range(n))
    else:
        raise DataError(
            f"{title} draws with a {type(sampler).__name__}, so that its observations can differ from pass to pass; "
            "give what it draws from: loader.dataset"
        )
    if not rows:
        raise DataError(f"{title} is empty; give at least one observation")
    if not isinstance(sampler, torch_data.SequentialSampler):
        log.warning("the loader shuffles; its observations are taken in the order of its dataset")
    return rows


def _unbatched(batches: Iterator[Any], size: int, n: int | None, title: str) -> Iterator[Any]:
    """Yield the items of batches: of tensors, of tuples or lists of columns, or of mappings of columns."""
    done = 0
    for batch in batches:
        columns = list(batch.values()) if isinstance(batch, Mapping) else batch
        columns = [columns] if isinstance(columns, Tensor | np.ndarray) else columns
        is_known = isinstance(columns, tuple | list) and all(hasattr(each, "__len__") for each in columns)
        lengths = {len(each) for each in columns} if is_known else set()
        # Each column has a row for each item; a list of observations, which is no column, has not.
        fits = len(lengths) == 1 and (max(lengths) == min(size, n - done) if n is not None else max(lengths) <= size)
        if not fits:
            raise DataError(
                f"{title} gives batches of {described(batch)}; those that torch makes can be read, a tensor, a pair of "
                "tensors or a mapping of tensors, with a row for each item; give loader.dataset"
            )
        for row in zip(*columns, strict=True):
            if isinstance(batch, Mapping):
                yield dict(zip(batch, row, strict=True))
            else:
                yield row[0] if isinstance(batch, Tensor | np.ndarray) else row
        done += max(lengths)


def _check_fixed(dataset: Any, title: str) -> None:
    """Refuse items that change from one reading to the next: whatever is measured of them would too."""
    # Several, for a picture that is mirrored at random is the same every second time.
    rows = np.linspace(0, len(dataset) - 1, min(CHECKED, len(dataset))).astype(int).tolist()
    once, again = (list(_read(dataset, rows, title)) for _ in range(2))
    if not _same(once, again):
        raise DataError(
            f"{title} gives another observation each time it is asked for the same: a random transformation; take it "
            "away, or give observations drawn once, as a tensor"
        )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return all(_same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    a: Any
    b: Any
    a, b = (each if isinstance(each, Tensor) else np.asarray(each) for each in (one, other))
    # What is missing is not equal to itself.
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())


def _guarded(items: Iterator[Any], title: str) -> Iterator[Any]:
    """Yield what a stranger's code gives, its errors as sentences."""
    at = 0
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        # A stranger's dataset runs here.
        except Exception as error:
            raise _failed(error, title, at) from error
        yield item
        at += 1


def _read(dataset: Any, rows: Iterable[int], title: str) -> Iterator[Any]:
    """Yield the items of some rows, errors of a stranger's code as sentences."""
    for row in rows:
        try:
            item = dataset[row]
        except Exception as error:
            raise _failed(error, title, row) from error
        yield item


def _failed(error: Exception, title: str, at: int) -> VaehubError:
    if isinstance(error, VaehubError):
        return error
    return DataError(f"{title} fails when item {at} is read: {type(error).__name__}: {first_line(error)}")
