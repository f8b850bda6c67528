"""Datasets: observations with what is known of them, held in memory as one tensor each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.core.arrays import shareable
from vaehub.core.errors import DataError
from vaehub.core.params import Params as AnyParams


@dataclass(frozen=True)
class Factors:
    """Known factors of variation.

    Attributes:
        names: Name of each factor.
        sizes: Number of values that each factor takes.
        classes: Index of the value that each observation has, shape ``(n, m)``, integer, in ``[0, size)``.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    classes: Tensor


@dataclass(frozen=True)
class DataSpec:
    """What a network or a model may know of the data before it has seen any.

    Attributes:
        shape: Shape of one observation: ``(c, h, w)`` for images, ``(p,)`` for vectors.
        in_unit_interval: Whether every value lies in [0, 1].
        n_classes: Number of labels; ``None`` where there are none.
        factor_sizes: Number of values of each factor; empty where there are none.
    """

    shape: tuple[int, ...]
    in_unit_interval: bool
    n_classes: int | None = None
    factor_sizes: tuple[int, ...] = ()

    @property
    def n_values(self) -> int:
        """Number of values in one observation."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Batch:
    """Some observations and what is known of them.

    Attributes:
        x: Observations, shape ``(n, *shape)``, float32.
        labels: Class of each observation, shape ``(n,)``, int64; ``None`` where unknown.
        factors: Class of each factor, shape ``(n, m)``, int64; ``None`` where unknown.
    """

    x: Tensor
    labels: Tensor | None = None
    factors: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


class Dataset:
    """Observations, optionally with labels and factors of variation, and with named parts.

    Args:
        x: Images ``(n, c, h, w)`` or vectors ``(n, p)``. Integers of 8 bits stand for 0 to 1 in steps of 1/255 and are
            kept as they are until a batch is asked for; anything else becomes float32. Images lie in [0, 1].
        labels: Class of each observation, shape ``(n,)``, counted from 0.
        factors: Known factors of variation.
        parts: Indices of the official parts, such as ``train`` and ``test``.

    Raises:
        DataError: If shapes do not fit each other, or a value is NaN, infinite or, for images, outside [0, 1].
    """

    x_stored: Tensor
    labels: Tensor | None
    factors: Factors | None
    parts: Mapping[str, Tensor]
    spec: DataSpec

    def __init__(
        self,
        x: Tensor | NDArray[Any],
        *,
        labels: Tensor | NDArray[Any] | None = None,
        factors: Factors | None = None,
        parts: Mapping[str, Tensor | NDArray[Any] | range] | None = None,
    ) -> None:
        stored = _tensor(x)
        if stored.dtype != torch.uint8:
            stored = stored.to(torch.float32)
        classes = None if labels is None else _whole(_tensor(labels), "labels")
        if factors is not None:
            factors = Factors(factors.names, factors.sizes, _whole(factors.classes, "classes of factors"))
        _check(stored, classes, factors)
        self.x_stored = stored.contiguous()
        self.labels = classes
        self.factors = factors
        self.parts = {name: _rows(name, rows, len(stored)) for name, rows in (parts or {}).items()}
        low, high = (0.0, 1.0) if stored.dtype == torch.uint8 else (float(stored.min()), float(stored.max()))
        self.spec = DataSpec(
            shape=tuple(stored.shape[1:]),
            in_unit_interval=low >= 0 and high <= 1,
            n_classes=None if classes is None else int(classes.max()) + 1,
            factor_sizes=() if factors is None else factors.sizes,
        )

    def __len__(self) -> int:
        return len(self.x_stored)

    @property
    def x(self) -> Tensor:
        """All observations as float32, shape ``(n, *shape)``."""
        return _as_float(self.x_stored)

    def batch(self, rows: Tensor | slice) -> Batch:
        """Return the observations of some rows, by their numbers or as a range."""
        # Whole rows are copied at once by index_select, and value by value by indexing.
        x = self.x_stored[rows] if isinstance(rows, slice) else self.x_stored.index_select(0, rows)
        return Batch(
            _as_float(x),
            None if self.labels is None else self.labels[rows],
            None if self.factors is None else self.factors.classes[rows],
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all observations in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.batch(slice(start, start + size))

    def subset(self, rows: Tensor) -> Dataset:
        """Return the dataset of some rows, in that order, without parts."""
        factors = self.factors
        chosen = None if factors is None else Factors(factors.names, factors.sizes, factors.classes[rows])
        return self._like(self.x_stored[rows], None if self.labels is None else self.labels[rows], chosen, {})

    def first(self, n: int) -> Dataset:
        """Return the first ``n`` observations.

        Raises:
            DataError: If there are fewer.
        """
        if n > len(self):
            raise DataError(f"{n} observations were asked for, and there are {len(self)}; ask for at most {len(self)}")
        return self.subset(torch.arange(n))

    def part(self, name: str) -> Dataset:
        """Return a named part; ``all`` is the whole.

        Raises:
            DataError: If there is no such part.
        """
        if name == "all":
            return self
        if name not in self.parts:
            raise DataError(f"there is no part {name!r} of this data, there is {', '.join([*self.parts, 'all'])}")
        return self.subset(self.parts[name])

    def with_validation(self, share: float, generator: torch.Generator) -> Dataset:
        """Return the same data with a random share of the training part set aside as the part ``validation``.

        Args:
            share: Share of the training part, in [0, 1); rounded up. At 0, an official validation part stays.
            generator: Decides which observations.

        Raises:
            DataError: If nothing would be left to train on.
        """
        train = self.parts.get("train", torch.arange(len(self)))
        # Rounded first, or 7 % of 100 would be 8 by an error in the last digit.
        n_validation = int(np.ceil(round(share * len(train), 9)))
        if n_validation >= len(train):
            raise DataError(f"a validation share of {share} leaves none of {len(train)} observations to train on")
        order = train[torch.randperm(len(train), generator=generator)]
        parts = {**self.parts, "train": order[n_validation:].sort().values}
        if n_validation:
            parts["validation"] = order[:n_validation].sort().values
        return self._like(self.x_stored, self.labels, self.factors, parts)

    def to(self, device: torch.device) -> Dataset:
        """Return the same data on a device."""
        labels = None if self.labels is None else self.labels.to(device)
        factors = self.factors
        moved = None if factors is None else Factors(factors.names, factors.sizes, factors.classes.to(device))
        parts = {name: rows.to(device) for name, rows in self.parts.items()}
        return self._like(self.x_stored.to(device), labels, moved, parts)

    def _like(self, x: Tensor, labels: Tensor | None, factors: Factors | None, parts: Mapping[str, Tensor]) -> Dataset:
        # What was checked once is not checked again: a scan of all values costs more than a selection.
        other = object.__new__(Dataset)
        other.x_stored, other.labels, other.factors, other.parts, other.spec = x, labels, factors, parts, self.spec
        return other


class DataSource(ABC):
    """Where a dataset comes from: what a plugin contributes under the kind ``Dataset``."""

    Params = AnyParams
    params: AnyParams

    def __init__(self, params: AnyParams) -> None:
        self.params = params

    @abstractmethod
    def load(self) -> Dataset:
        """Return the data.

        Raises:
            DataError: If it cannot be had; says every place looked at.
        """


def _tensor(values: Tensor | NDArray[Any]) -> Tensor:
    return values if isinstance(values, Tensor) else torch.as_tensor(shareable(np.asarray(values)))


def _whole(values: Tensor, what: str) -> Tensor:
    whole = values.to(torch.int64)
    if not torch.equal(whole.to(values.dtype), values):
        raise DataError(f"{what} are whole numbers, and some of these are not")
    return whole


def _rows(name: str, rows: Tensor | NDArray[Any] | range, n: int) -> Tensor:
    given = _tensor(np.asarray(rows) if isinstance(rows, range) else rows)
    if given.dtype == torch.bool:
        raise DataError(f"part {name!r} is given by the numbers of its rows, and this is a mask; use its nonzero()")
    found = _whole(given, f"rows of part {name!r}")
    if found.ndim != 1 or (len(found) and not (int(found.min()) >= 0 and int(found.max()) < n)):
        raise DataError(f"rows of part {name!r} are numbers from 0 to {n - 1}, and some of these are not")
    return found


def _as_float(x: Tensor) -> Tensor:
    return x.to(torch.float32).div_(255) if x.dtype == torch.uint8 else x


def _check(x: Tensor, labels: Tensor | None, factors: Factors | None) -> None:
    if x.ndim not in (2, 4) or 0 in x.shape:
        raise DataError(f"observations have shape (n, c, h, w) or (n, p) with no axis empty, got {tuple(x.shape)}")
    if x.dtype != torch.uint8:
        if not bool(torch.isfinite(x).all()):
            raise DataError("observations hold NaN or infinity; clean them first")
        if x.ndim == 4 and not (float(x.min()) >= 0 and float(x.max()) <= 1):
            raise DataError(f"images lie in [0, 1], got [{float(x.min()):g}, {float(x.max()):g}]; rescale them first")
    if labels is not None and (labels.shape != (len(x),) or int(labels.min()) < 0):
        least = f" with {int(labels.min())} among them" if labels.numel() and int(labels.min()) < 0 else ""
        raise DataError(f"labels have shape ({len(x)},) and count from 0, got {tuple(labels.shape)}{least}")
    if factors is not None:
        _check_factors(factors, len(x))


def _check_factors(factors: Factors, n: int) -> None:
    m = len(factors.names)
    if factors.classes.shape != (n, m) or len(factors.sizes) != m:
        raise DataError(f"factors have shape ({n}, {m}) with {m} sizes, got {tuple(factors.classes.shape)}")
    if bool((factors.classes < 0).any() or (factors.classes >= torch.tensor(factors.sizes)).any()):
        raise DataError("a factor's class is negative or not below the factor's size")
