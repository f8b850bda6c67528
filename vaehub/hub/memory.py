"""Cache of the models and data used last, within a memory limit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from vaehub.analysis.model_state import state_of
from vaehub.core.data.dataset import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.recipe import Component

LIMIT = 2**30
"""Bytes of weights and data that are kept between two uses: ten models of 20 million weights and their data, and little
beside what training them takes."""


@dataclass(frozen=True)
class Trained:
    """A model with the weights of a training, in evaluation mode, and the data that it was trained on."""

    model: LatentModel
    data: Dataset

    @property
    def n_bytes(self) -> int:
        """Size of the weights."""
        return sum(value.nbytes for value in chain(self.model.parameters(), self.model.buffers()))


@dataclass(frozen=True)
class _Kept:
    key: Component | str
    item: Dataset | Trained
    state: str = ""
    n_bytes: int = 0
    """Size of the weights, which is asked for each time that another model comes."""
    data_bytes: int = 0

    @property
    def data(self) -> Dataset:
        return self.item if isinstance(self.item, Dataset) else self.item.data


class Memory:
    """Cache of datasets and trained models; the least recently used is dropped first.

    A model is kept by the name of its file of weights, which no two records share: one that was trained again, by
    whomever, is another. It is given out only as long as it is as it was when it was kept: a metric that puts it in
    another mode, or changes a weight, changes nothing for the next.

    Args:
        limit: Bytes of weights and data; the last thing used, and its data, are kept in any case.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: list[_Kept] = []

    def dataset(self, component: Component) -> Dataset | None:
        """Return a dataset, if it is remembered."""
        found = self._used(component)
        return found.item if found is not None and isinstance(found.item, Dataset) else None

    def trained(self, weights: str) -> Trained | None:
        """Return the model of a file of weights, if it is remembered and unchanged."""
        found = self._used(weights)
        if found is None or not isinstance(found.item, Trained):
            return None
        if state_of(found.item.model) != found.state:
            self._kept = [each for each in self._kept if each is not found]
            return None
        return found.item

    def keep_dataset(self, component: Component, data: Dataset) -> None:
        """Remember a dataset."""
        self._keep(_Kept(component, data, data_bytes=data.n_bytes))

    def keep_trained(self, weights: str, trained: Trained) -> None:
        """Remember a trained model."""
        self._keep(_Kept(weights, trained, state_of(trained.model), trained.n_bytes, trained.data.n_bytes))

    def _used(self, key: Component | str) -> _Kept | None:
        # Not a dictionary: parameters may hold lists, which have no hash, and there are few.
        found = next((each for each in self._kept if each.key == key), None)
        if found is not None:
            self._kept = [*(each for each in self._kept if each is not found), found]
        return found

    def _keep(self, kept: _Kept) -> None:
        self._kept = [*(each for each in self._kept if each.key != kept.key), kept]
        for each in self._kept[:-1]:
            if self._n_bytes() <= self._limit:
                break
            # To forget data that the last one has as well would free nothing, and they would be read again.
            if each.n_bytes or each.data.stored is not kept.data.stored:
                self._kept = [other for other in self._kept if other is not each]

    def _n_bytes(self) -> int:
        # Many trainings share the observations of one dataset.
        data = {id(each.data.stored): each.data_bytes for each in self._kept}
        return sum(data.values()) + sum(each.n_bytes for each in self._kept)
