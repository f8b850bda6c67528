"""Which column is what: labels, factors, observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vaehub import DataError
from vaehub.plugins.datasets.own.params import NONE

SHOWN = 12
"""Names that a message lists at most."""


@dataclass(frozen=True)
class Names:
    """Names in a file, and the choice among them.

    Attributes:
        path: The file.
        kind: What has these names, such as ``column``.
        names: All of them, in order.
    """

    path: Path
    kind: str
    names: Sequence[str]

    def one(self, given: str | None, usual: Sequence[str], parameter: str) -> str | None:
        """Return the name that a parameter gives, else the first usual one that is there; ``none`` declines.

        Raises:
            DataError: If there is no such name.
        """
        if given is None:
            return next((name for name in usual if name in self.names), None)
        return next(iter(self.several((given,), parameter)), None)

    def several(self, given: Sequence[str] | None, parameter: str) -> tuple[str, ...]:
        """Return the names that a parameter gives, each once; ``none`` alone stands for none.

        Raises:
            DataError: If one is not there.
        """
        if given is None or (tuple(given) == (NONE,) and NONE not in self.names):
            return ()
        for name in given:
            if name not in self.names:
                near = get_close_matches(name, self.names, n=1)
                hint = f", did you mean {near[0]!r}?" if near and len(self.names) > SHOWN else ""
                raise DataError(
                    f"{self.path} has no {self.kind} {name!r}, it has {self.listed}{hint}; set 'data.{parameter}'"
                )
        return tuple(dict.fromkeys(given))

    @property
    def listed(self) -> str:
        """The names for a message, not all where they are many."""
        more = f" and {len(self.names) - SHOWN} more" if len(self.names) > SHOWN else ""
        return (", ".join(map(repr, self.names[:SHOWN])) or "none") + more
