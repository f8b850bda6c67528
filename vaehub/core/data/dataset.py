"""Datasets: observations with labels, factors and splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaehub.core.data.conversion import as_tensor, observations_in_memory, row_numbers, whole_numbers
from vaehub.core.data.factors import Factors
from vaehub.core.data.on_demand import OnDemand
from vaehub.core.display import Displayed
from vaehub.core.errors import DataError

UNNAMED = "data"
"""Name in results of data in memory that were given none."""
CHANGED_AT_ONCE = 4096
"""Observations transformed at a time; bounds memory, changes no result."""
COMPARED_AT_ONCE = 64
"""Observations compared with the first at a time: few, because a difference nearly always shows at once."""
ROUNDING = 1e-6
"""How far all values may lie outside [0, 1] and be taken for values in [0, 1] that were rounded: they are clipped."""

Limits = tuple[float, float]
"""Least and greatest value."""


@dataclass(frozen=True)
class DataSpec:
    """Properties of the data from which networks and models are built.

    Attributes:
        shape: Shape of one observation: ``(c, h, w)`` for images, ``(p,)`` for vectors.
        in_unit_interval: Whether every value lies in [0, 1].
        n_classes: Number of classes; ``None`` without labels.
        factor_sizes: Number of values of each factor; empty without factors.
        holds_counts: Whether observations are vectors in memory of whole numbers, none below 0.
    """

    shape: tuple[int, ...]
    in_unit_interval: bool
    n_classes: int | None = None
    factor_sizes: tuple[int, ...] = ()
    # Not in the text of a specification, which is part of the identity of data in memory.
    holds_counts: bool = field(default=False, repr=False)

    @property
    def n_values(self) -> int:
        """Number of values in one observation."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Batch:
    """Some observations with their labels and factors.

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


class Dataset(Displayed):
    """Observations, optionally with labels and factors of variation, and with named splits.

    Args:
        x: Images ``(n, c, h, w)`` or vectors ``(n, p)``, in memory or on demand. Unsigned 8-bit integers stand for 0 to
            1 in steps of 1/255 and are converted batch by batch; anything else becomes float32. Images lie in [0, 1].
            Values that leave [0, 1] by no more than rounding errors, 1e-6, are clipped.
        labels: Class of each observation, shape ``(n,)``, counted from 0.
        factors: Known factors of variation.
        splits: Indices of the official splits, such as ``train`` and ``test``.
        class_names: Name of each class; ``None`` where unknown.
        notes: What was done to the data that their user should know, such as rows left out: a sentence each.
        name: Name of the data in results, where they are handed over in memory.

    Raises:
        DataError: If shapes do not match, or a value is NaN, infinite or, for images, outside [0, 1].
    """

    stored: Tensor | OnDemand
    labels: Tensor | None
    factors: Factors | None
    splits: Mapping[str, Tensor]
    class_names: tuple[str, ...] | None
    notes: tuple[str, ...]
    spec: DataSpec
    device: torch.device
    name: str

    def __init__(
        self,
        x: Tensor | NDArray[Any] | OnDemand,
        *,
        labels: Tensor | NDArray[Any] | None = None,
        factors: Factors | None = None,
        splits: Mapping[str, Tensor | NDArray[Any] | range] | None = None,
        class_names: Sequence[str] | None = None,
        notes: Sequence[str] = (),
        name: str = UNNAMED,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"data are named by a text, such as name='mine', and this name is {name!r}")
        stored, limits = (x, None) if isinstance(x, OnDemand) else _limited(observations_in_memory(x))
        classes = None if labels is None else whole_numbers(as_tensor(labels, "labels"), "labels")
        if factors is not None:
            if not isinstance(factors, Factors):
                raise DataError(
                    f"factors are vaehub.Factors, and a {type(factors).__name__} came; vaehub.adapters.as_dataset "
                    "makes them of arrays, data frames and mappings"
                )
            whole = whole_numbers(factors.classes, "classes of factors")
            factors = replace(factors, classes=whole)
        _check(stored, limits, classes, factors)
        if splits is not None and not isinstance(splits, Mapping):
            raise DataError(
                f"splits are rows by name, such as {{'train': range(100)}}, and a {type(splits).__name__} came"
            )
        self.name = name
        self.stored = stored
        self.labels = classes
        self.factors = factors
        self.splits = {name: row_numbers(name, rows, len(stored)) for name, rows in (splits or {}).items()}
        self.class_names = None if class_names is None else tuple(class_names)
        self.notes = tuple(notes)
        self.device = torch.device("cpu") if isinstance(stored, OnDemand) else stored.device
        self.spec = DataSpec(
            shape=_shape(stored),
            in_unit_interval=_in_unit_interval(stored, limits),
            n_classes=None if classes is None else int(classes.max()) + 1,
            factor_sizes=() if factors is None else factors.sizes,
            holds_counts=_holds_counts(stored),
        )
        if self.class_names is not None and len(self.class_names) != self.spec.n_classes:
            raise DataError(f"{self.spec.n_classes or 0} classes have as many names, got {len(self.class_names)}")

    def __len__(self) -> int:
        return len(self.stored)

    def __repr__(self) -> str:
        splits = "".join(f", {name} {len(rows):,}" for name, rows in self.splits.items())
        return f"Dataset({self.name!r}, {len(self):,} of shape {self.spec.shape}{splits})"

    @property
    def x(self) -> Tensor:
        """All observations as float32, shape ``(n, *shape)``; data on demand are read or computed as a whole."""
        return self.batch(slice(0, len(self))).x

    def batch(self, rows: Tensor | slice) -> Batch:
        """Return the observations at some rows, given by number or as a slice."""
        if isinstance(self.stored, OnDemand):
            numbers = torch.arange(len(self))[rows] if isinstance(rows, slice) else rows.cpu()
            x = self.stored.take(numbers)
        else:
            # index_select copies whole rows, indexing value by value.
            chosen = rows if isinstance(rows, slice) else rows.to(self.stored.device)
            x = self.stored[chosen] if isinstance(chosen, slice) else self.stored.index_select(0, chosen)
        return Batch(
            _as_float(x.to(self.device)),
            None if self.labels is None else self._of(self.labels, rows),
            None if self.factors is None else self._of(self.factors.classes, rows),
        )

    def _of(self, values: Tensor, rows: Tensor | slice) -> Tensor:
        return values[rows if isinstance(rows, slice) else rows.to(values.device)].to(self.device)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all observations in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.batch(slice(start, start + size))

    def is_constant(self) -> bool:
        """Return whether all observations are identical; stops at the first difference."""
        first = self.batch(slice(0, 1)).x
        return all(bool((batch.x == first).all()) for batch in self.batches(COMPARED_AT_ONCE))

    def subset(self, rows: Tensor) -> Dataset:
        """Return the observations at some rows, in that order, without splits."""
        return self._chosen(rows, {})

    def restricted(self, splits: Mapping[str, Tensor]) -> Dataset:
        """Return the data restricted to some splits, which stay its splits; a row in two of them occurs once."""
        kept, places = torch.unique(torch.cat(list(splits.values())), return_inverse=True)
        split = torch.split(places, [len(rows) for rows in splits.values()])
        return self._chosen(kept, dict(zip(splits, split, strict=True)))

    def first(self, n: int) -> Dataset:
        """Return the first ``n`` observations.

        Raises:
            DataError: If there are fewer.
        """
        if n > len(self):
            raise DataError(f"{n} observations were asked for, and there are {len(self)}; ask for at most {len(self)}")
        return self.subset(torch.arange(n))

    def draw_rows(self, n: int, generator: torch.Generator) -> Tensor:
        """Return ``n`` rows drawn without replacement, in ascending order; all rows if there are no more."""
        return torch.randperm(len(self), generator=generator)[:n].sort().values

    def split(self, name: str) -> Dataset:
        """Return a named split; ``all`` is the whole dataset.

        Raises:
            DataError: If there is no such split.
        """
        if name == "all":
            return self
        if name not in self.splits:
            raise DataError(f"there is no split {name!r} of this data, there is {', '.join([*self.splits, 'all'])}")
        return self.subset(self.splits[name])

    def with_validation(self, share: float, generator: torch.Generator) -> Dataset:
        """Return the same data with a random share of the training split set aside as the split ``validation``.

        Data that already have such a split keep it, and nothing is set aside; else ``notes`` say how many are.

        Args:
            share: Share of the training split, in [0, 1); rounded up.
            generator: Draws the observations.

        Raises:
            DataError: If nothing would be left to train on.
        """
        train = self.splits.get("train", torch.arange(len(self)))
        if "validation" in self.splits:
            return self._like(self.stored, self.labels, self.factors, {**self.splits, "train": train})
        n_validation = rounded_up(share, len(train))
        if n_validation >= len(train):
            raise DataError(f"a validation share of {share} leaves none of {len(train)} observations to train on")
        order = train[torch.randperm(len(train), generator=generator)]
        split = {"train": order[n_validation:].sort().values}
        if n_validation:
            split["validation"] = order[:n_validation].sort().values
        found = self._like(self.stored, self.labels, self.factors, {**self.splits, **split})
        if n_validation:
            note = f"{n_validation} of {len(train)} training observations are held out for validation"
            found.notes = (*self.notes, f"{note}; 'train.validation=0' trains on all")
        return found

    def changed(self, change: Callable[[Tensor], Tensor]) -> Dataset:
        """Return the data with a function, such as resizing, applied to every observation in batches.

        Args:
            change: Maps stored values ``(k, *shape)``, uint8 or float32, to as many observations of the same dtype.
        """
        if isinstance(self.stored, OnDemand):
            stored: Tensor | OnDemand = self.stored.changed(change)
        else:
            stored = torch.cat([change(block) for block in torch.split(self.stored, CHANGED_AT_ONCE)])
        return self._like(stored, self.labels, self.factors, self.splits, replace(self.spec, shape=_shape(stored)))

    def to(self, device: torch.device) -> Dataset:
        """Return the same data on a device; data on demand are moved there batch by batch."""
        labels = None if self.labels is None else self.labels.to(device)
        factors = None if self.factors is None else self.factors.to(device)
        splits = {name: rows.to(device) for name, rows in self.splits.items()}
        stored = self.stored if isinstance(self.stored, OnDemand) else self.stored.to(device)
        moved = self._like(stored, labels, factors, splits)
        moved.device = device
        return moved

    @property
    def n_bytes(self) -> int:
        """Size of the observations in memory; 0 for data on demand."""
        return 0 if isinstance(self.stored, OnDemand) else self.stored.nbytes

    def streamed_to(self, device: torch.device) -> Dataset:
        """Return the same data, which stay where they are; each batch is moved to a device when it is requested."""
        other = self._like(self.stored, self.labels, self.factors, self.splits)
        other.device = device
        return other

    def _chosen(self, rows: Tensor, splits: Mapping[str, Tensor]) -> Dataset:
        rows = rows.to(self.device if isinstance(self.stored, OnDemand) else self.stored.device)
        stored = self.stored.of(rows) if isinstance(self.stored, OnDemand) else self.stored.index_select(0, rows)
        labels = None if self.labels is None else self.labels[rows]
        return self._like(stored, labels, None if self.factors is None else self.factors.of(rows), splits)

    def _like(
        self,
        stored: Tensor | OnDemand,
        labels: Tensor | None,
        factors: Factors | None,
        splits: Mapping[str, Tensor],
        spec: DataSpec | None = None,
    ) -> Dataset:
        # Checked data are not checked again: a scan of all values costs more than a selection.
        other = object.__new__(Dataset)
        other.stored, other.labels, other.factors, other.splits = stored, labels, factors, splits
        other.spec, other.device, other.name = spec or self.spec, self.device, self.name
        other.class_names, other.notes = self.class_names, self.notes
        return other


def rounded_up(share: float, n: int) -> int:
    """Return a share of ``n`` as a count, rounded up."""
    # Rounded to 9 digits first: otherwise an error in the last digit would make 7 % of 100 eight.
    return int(np.ceil(round(share * n, 9)))


def _shape(stored: Tensor | OnDemand) -> tuple[int, ...]:
    return stored.shape if isinstance(stored, OnDemand) else tuple(stored.shape[1:])


def _limited(stored: Tensor) -> tuple[Tensor, Limits | None]:
    """Return observations, clipped where only rounding put them outside [0, 1], with their least and greatest value.

    Bytes have no limits but their own; those of an empty tensor are unknown.
    """
    if stored.dtype == torch.uint8 or not stored.numel():
        return stored, None
    low, high = (float(each) for each in stored.aminmax())
    if (low < 0 or high > 1) and low >= -ROUNDING and high <= 1 + ROUNDING:
        return stored.clamp(0, 1), (max(low, 0.0), min(high, 1.0))
    return stored, (low, high)


def _in_unit_interval(stored: Tensor | OnDemand, limits: Limits | None) -> bool:
    if isinstance(stored, OnDemand):
        return stored.in_unit_interval
    return limits is None or (limits[0] >= 0 and limits[1] <= 1)


def _holds_counts(stored: Tensor | OnDemand) -> bool:
    if isinstance(stored, OnDemand) or stored.dtype == torch.uint8 or stored.ndim != 2:
        return False
    # Most data that are not counts show it in their first block.
    return all(bool(((block >= 0) & (block == block.floor())).all()) for block in torch.split(stored, CHANGED_AT_ONCE))


def _as_float(x: Tensor) -> Tensor:
    return x.to(torch.float32).div_(255) if x.dtype == torch.uint8 else x


def _check(x: Tensor | OnDemand, limits: Limits | None, labels: Tensor | None, factors: Factors | None) -> None:
    shape = (len(x), *_shape(x))
    if len(shape) not in (2, 4) or 0 in shape:
        raise DataError(f"observations have shape (n, c, h, w) or (n, p) with no axis empty, got {shape}")
    # Data on demand are trusted: to check all of them would be to compute all of them.
    if limits is not None:
        low, high = limits
        if not (math.isfinite(low) and math.isfinite(high)):
            raise DataError("observations hold NaN or infinity; clean them first")
        if len(shape) == 4 and not (low >= 0 and high <= 1):
            # Nine digits, because six would show 1.000002 as 1 and contradict the sentence.
            raise DataError(f"images lie in [0, 1], got [{low:.9g}, {high:.9g}]; rescale them first")
    if labels is not None and (labels.shape != (len(x),) or int(labels.min()) < 0):
        least = f" with {int(labels.min())} among them" if labels.numel() and int(labels.min()) < 0 else ""
        raise DataError(f"labels have shape ({len(x)},) and count from 0, got {tuple(labels.shape)}{least}")
    if factors is not None:
        factors.check(len(x))
