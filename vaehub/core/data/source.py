"""The contract of datasets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from vaehub.core.data.dataset import Dataset
from vaehub.core.params import Params as AnyParams


class DataSource(ABC):
    """Loads a dataset; a plugin contributes it under the kind ``Dataset``.

    Args:
        params: Validated parameters.
    """

    Params: ClassVar[type[AnyParams]] = AnyParams
    params: AnyParams

    def __init__(self, params: AnyParams) -> None:
        self.params = params

    @abstractmethod
    def load(self) -> Dataset:
        """Return the data.

        Raises:
            DataError: If the data are not available; the message lists every place searched.
        """
