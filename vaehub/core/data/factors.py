"""Known factors of variation, and looking up observations by them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from vaehub.core.errors import DataError


@dataclass(frozen=True)
class Factors:
    """Known factors of variation of some observations.

    Attributes:
        names: Name of each factor.
        sizes: Number of values that each factor takes.
        classes: Index of each observation's value, shape ``(n, m)``, integer, in ``[0, size)``.
        values: Value of each class of each factor, in the data's own units; empty if unknown.
        class_names: Name of each class of each factor; empty if unknown.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    classes: Tensor
    values: tuple[tuple[float, ...], ...] = ()
    class_names: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def grid(cls, names: Sequence[str], sizes: Sequence[int], values: Sequence[Sequence[float]] = ()) -> Factors:
        """Return the factors of a full grid: every combination once, the last factor varying fastest."""
        axes = [torch.arange(size) for size in sizes]
        classes = torch.stack([axis.flatten() for axis in torch.meshgrid(*axes, indexing="ij")], dim=1)
        return cls(tuple(names), tuple(sizes), classes, tuple(map(tuple, values)))

    def __len__(self) -> int:
        return len(self.classes)

    def check(self, n: int) -> None:
        """Check that there is a class for each of ``n`` observations.

        Raises:
            DataError: If shapes do not match, or a class is not one of its factor.
        """
        m = len(self.names)
        if self.classes.shape != (n, m) or len(self.sizes) != m:
            raise DataError(f"factors have shape ({n}, {m}) with {m} sizes, got {tuple(self.classes.shape)}")
        if bool((self.classes < 0).any() or (self.classes >= torch.tensor(self.sizes)).any()):
            raise DataError("a factor's class is negative or not below the factor's size")

    def of(self, rows: Tensor) -> Factors:
        """Return the factors of some observations."""
        return replace(self, classes=self.classes[rows])

    def to(self, device: torch.device) -> Factors:
        """Return the same factors on a device."""
        return replace(self, classes=self.classes.to(device))

    def index(self, name: str) -> int:
        """Return the position of a factor.

        Raises:
            DataError: If there is no factor of this name.
        """
        if name not in self.names:
            raise DataError(f"there is no factor {name!r} in this data, there is {', '.join(self.names)}")
        return self.names.index(name)

    @cached_property
    def is_grid(self) -> bool:
        """Whether every combination occurs once, in order, so that row numbers are computed and not searched."""
        in_order = torch.arange(len(self), device=self.classes.device)
        return len(self) == math.prod(self.sizes) and bool((self._codes == in_order).all())

    # Finding observations by the values of their factors

    def classes_of(self, values: Mapping[str, float]) -> Tensor:
        """Return the classes of the given factor values, shape ``(m,)``.

        Raises:
            DataError: If a factor is missing or unknown, or a value is off its grid; the message gives the nearest.
        """
        for name in values:
            self.index(name)
        if missing := [name for name in self.names if name not in values]:
            raise DataError(f"a value of every factor is needed, and {', '.join(missing)} is missing")
        return torch.tensor([self._class_of(name, values[name]) for name in self.names])

    def lookup(self, classes: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the observations with the given classes, in constant time on a grid and by a sorted index elsewhere.

        Args:
            classes: Shape ``(k, m)``.
            generator: Draws one of several observations with the same classes; the first is returned if not given.

        Returns:
            Row numbers, shape ``(k,)``.

        Raises:
            DataError: If a class is out of range, or no observation has these classes.
        """
        sizes = torch.tensor(self.sizes, device=classes.device)
        if bool(((classes < 0) | (classes >= sizes)).any()):
            raise DataError(f"classes of factors {self._sizes_in_words()} were asked for, and some are out of range")
        codes = self._encode(classes)
        if self.is_grid:
            return codes
        order, known = self._sorted
        low, high = torch.searchsorted(known, codes), torch.searchsorted(known, codes, right=True)
        if bool((low == high).any()):
            wanted = classes[int((low == high).nonzero()[0])].tolist()
            at = ", ".join(f"{name} {index}" for name, index in zip(self.names, wanted, strict=True))
            raise DataError(f"no observation of this data has {at}")
        return order[low if generator is None else low + _below(high - low, generator)]

    # Sampling

    def sharing(self, factor: int, n: int, groups: int, generator: torch.Generator) -> Tensor:
        """Draw groups of observations that share the value of one factor and are random in all others.

        Each group's value is that of a uniformly drawn observation; its members are drawn uniformly, with
        replacement, from all observations with this value.

        Args:
            factor: Position of the shared factor.
            n: Observations per group.
            groups: Number of groups.
            generator: Source of randomness.

        Returns:
            Row numbers, shape ``(groups, n)``.
        """
        order, starts = self._by_class[factor]
        drawn = torch.randint(len(self), (groups,), generator=generator, device=generator.device)
        held = self.classes[drawn.to(self.classes.device), factor]
        low, count = starts[held], starts[held + 1] - starts[held]
        return order[low[:, None] + _below(count[:, None].expand(-1, n), generator)]

    def varying(self, factor: int, n: int, generator: torch.Generator) -> Tensor:
        """Draw lines of observations along which one factor takes all its values in order and the others stay fixed.

        Args:
            factor: Position of the factor that varies.
            n: Number of lines.
            generator: Source of randomness.

        Returns:
            Row numbers, shape ``(n, size of the factor)``.

        Raises:
            DataError: If no line is complete in this data.
        """
        rows = self._on_complete_lines[factor]
        if not len(rows):
            name = self.names[factor]
            raise DataError(f"nowhere in this data does factor {name!r} take all its values with the others fixed")
        chosen = rows[torch.randint(len(rows), (n,), generator=generator, device=generator.device).to(rows.device)]
        line = self.classes[chosen][:, None, :].repeat(1, self.sizes[factor], 1)
        line[:, :, factor] = torch.arange(self.sizes[factor], device=line.device)
        return self.lookup(line.flatten(0, 1)).reshape(n, self.sizes[factor])

    # Computed once

    @cached_property
    def _bases(self) -> Tensor:
        bases = [math.prod(self.sizes[at + 1 :]) for at in range(len(self.sizes))]
        return torch.tensor(bases, device=self.classes.device)

    def _encode(self, classes: Tensor) -> Tensor:
        return (classes.to(self.classes.device) * self._bases).sum(dim=-1)

    @cached_property
    def _codes(self) -> Tensor:
        return self._encode(self.classes)

    @cached_property
    def _sorted(self) -> tuple[Tensor, Tensor]:
        known, order = torch.sort(self._codes, stable=True)
        return order, known

    @cached_property
    def _by_class(self) -> list[tuple[Tensor, Tensor]]:
        """For each factor: rows sorted by class, and where each class starts."""
        found = []
        for factor, size in enumerate(self.sizes):
            column = self.classes[:, factor].contiguous()
            starts = torch.zeros(size + 1, dtype=torch.int64, device=column.device)
            starts[1:] = torch.bincount(column, minlength=size).cumsum(0)
            found.append((torch.argsort(column, stable=True), starts))
        return found

    @cached_property
    def _on_complete_lines(self) -> list[Tensor]:
        """For each factor: rows whose other factors occur with all its values."""
        if self.is_grid:
            return [torch.arange(len(self), device=self.classes.device)] * len(self.sizes)
        distinct = torch.unique(self._codes)
        found = []
        for factor, size in enumerate(self.sizes):
            base = int(self._bases[factor])
            others = self._codes - self.classes[:, factor] * base
            of_distinct = distinct - distinct // base % size * base
            lines, counts = torch.unique(of_distinct, return_counts=True)
            complete = lines[counts == size]
            found.append(torch.isin(others, complete).nonzero()[:, 0])
        return found

    def _class_of(self, name: str, value: float) -> int:
        at = self.index(name)
        grid = self.values[at] if self.values else tuple(range(self.sizes[at]))
        nearest = min(range(len(grid)), key=lambda index: abs(grid[index] - value))
        if not math.isclose(grid[nearest], value, rel_tol=1e-6, abs_tol=1e-9):
            raise DataError(
                f"factor {name!r} has no value {value:g}; the nearest is {grid[nearest]:g} (class {nearest})"
            )
        return nearest

    def _sizes_in_words(self) -> str:
        return ", ".join(f"{name} (0 to {size - 1})" for name, size in zip(self.names, self.sizes, strict=True))


def _below(limits: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an integer from 0 up to, but not including, each limit."""
    share = torch.rand(limits.shape, dtype=torch.float64, generator=generator, device=generator.device)
    # A share close to 1 could be rounded up to the limit.
    return (share.to(limits.device) * limits).to(torch.int64).minimum(limits - 1)
