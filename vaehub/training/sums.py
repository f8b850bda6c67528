"""Mean losses of a pass over the data, and the end of a training whose losses are NaN or infinite."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vaehub.analysis import in_double
from vaehub.core.errors import TrainingDiverged
from vaehub.core.model import Losses

STEPS_BETWEEN_CHECKS = 100
"""Steps between checks of losses for NaN; each check synchronises with the accelerator."""


class Sums:
    """Running sums of losses over one pass, kept on the device, if that has double precision.

    Args:
        epoch: Counted from 0.
        split: Split of the data that is passed over.
        remedy: Returns what may help if a loss is NaN or infinite.
    """

    def __init__(self, epoch: int, split: str, remedy: Callable[[], str]) -> None:
        self.epoch = epoch
        self.split = split
        self._remedy = remedy
        self.names: list[str] = []
        self.sums: Tensor | None = None
        self.n = 0
        self.calls = 0

    def add(self, losses: Losses, n: int) -> None:
        """Add the means of a batch of ``n`` observations."""
        self.names = ["total", *losses.terms]
        values = torch.stack([losses.total.detach(), *(term.detach() for term in losses.terms.values())])
        # A loss that a plugin returns in half precision is still summed in double.
        weighted = in_double(values) * n
        self.sums = weighted if self.sums is None else self.sums + weighted
        self.n += n
        self.calls += 1
        if self.calls % STEPS_BETWEEN_CHECKS == 0:
            self.means()

    def means(self) -> dict[str, float]:
        """Return the means so far.

        Raises:
            TrainingDiverged: If one is NaN or infinite.
        """
        assert self.sums is not None, "a pass has at least one batch"
        means = dict(zip(self.names, (self.sums / self.n).tolist(), strict=True))
        wrong = [f"{name} is {value}" for name, value in means.items() if not math.isfinite(value)]
        if wrong:
            raise TrainingDiverged(
                f"training diverged in epoch {self.epoch + 1}: {', '.join(wrong)} on the {self.split} split; "
                + self._remedy(),
                epoch=self.epoch,
            )
        return means
