"""Where a dataset comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod

from vaehub.core.data.dataset import Dataset
from vaehub.core.params import P_co, Parametrised


class DataSource(Parametrised[P_co], ABC):
    """What a plugin contributes under the kind ``Dataset``.

    Args:
        params: Validated parameters.
    """

    def __init__(self, params: P_co) -> None:
        self.params = params

    @abstractmethod
    def load(self) -> Dataset:
        """Return the data.

        Raises:
            DataError: If it cannot be had; says every place looked at.
        """
