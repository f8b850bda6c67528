"""The contract of datasets."""

from __future__ import annotations

from abc import ABC, abstractmethod

from vaehub.core.data.dataset import Dataset
from vaehub.core.params import P_co, Parametrised


class DataSource(Parametrised[P_co], ABC):
    """Loads a dataset; a plugin contributes it under the kind ``Dataset``.

    Args:
        params: Validated parameters.
    """

    def __init__(self, params: P_co) -> None:
        self.params = params

    @abstractmethod
    def load(self) -> Dataset:
        """Return the data.

        Raises:
            DataError: If the data are not available; the message lists every place searched.
        """
