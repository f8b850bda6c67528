"""What a reader finds in an object: observations, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from vaehub.core.errors import DataError


@dataclass(frozen=True)
class Wanted:
    """What is asked of an object besides its observations.

    Attributes:
        labels: Name of the labels; ``None`` takes those that are there by an unmistakable name.
        factors: Names of the factors.
        no_labels: Whether labels are left out, even where there are some.
        layer: Name of the layer that holds the observations, where an object has several.
    """

    labels: str | None = None
    factors: tuple[str, ...] = ()
    no_labels: bool = False
    layer: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of labels and factors."""
        return (*([] if self.labels is None else [self.labels]), *self.factors)

    def refuse_names(self, title: str) -> None:
        """Refuse names for an object that has no columns.

        Raises:
            DataError: If there are names.
        """
        if self.names:
            raise DataError(
                f"{self.names[0]!r} names a column, and {title} has none; give labels and factors as values, one for "
                "each observation"
            )
        if self.layer is not None:
            raise DataError(f"layer={self.layer!r} is for an AnnData, and this is {title}")


@dataclass(frozen=True)
class Found:
    """What a reader found.

    Attributes:
        x: Numbers.
        labels: One value for each observation, or none.
        factors: Values of each factor.
        is_arranged: Whether images have their channels first already, as names of the axes say.
    """

    x: NDArray[Any]
    labels: Any = None
    factors: Mapping[str, Any] = field(default_factory=dict)
    is_arranged: bool = False


def chosen(names: Sequence[str], known: Sequence[str], title: str) -> None:
    """Check that names are among those that there are.

    Raises:
        DataError: If one is not.
    """
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(map(repr, list(known)[:12])) + (", …" if len(known) > 12 else "")
        raise DataError(f"{title} has no {unknown[0]!r}; it has {listed or 'none'}")
