"""Records of trainings."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vaehub.core.errors import WorkFailed
from vaehub.hub.listeners import tell
from vaehub.store.records import Status, TrainingRecord, now
from vaehub.training.fit import Fitted
from vaehub.training.loop import EpochRecord

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from vaehub.core.model import LatentModel
    from vaehub.core.recipe import Recipe
    from vaehub.registry.catalog import Catalog
    from vaehub.store.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recorded:
    """A training that is in the store, with its weights."""

    record: TrainingRecord
    weights: Mapping[str, NDArray[Any]]


class Recorder:
    """Records one training, and its snapshots.

    Args:
        store: Where.
        catalog: Its plugins receive the events.
        device: Where the training takes place.
        recipe: What is trained.
        force: Whether to take the place of what is recorded.
        notes: What the data have to say, such as observations left out.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        device: torch.device,
        recipe: Recipe,
        *,
        force: bool,
        notes: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._device = device
        self._recipe = recipe
        self._force = force
        self._notes = notes
        self._started, self._clock = now(), time.perf_counter()
        self._history: list[EpochRecord] = []
        self._tell("training_started", training_id=recipe.id, recipe=recipe.identity())

    def epoch_ended(self, record: EpochRecord) -> None:
        """Keep the losses of an epoch in case the training fails, and send the event."""
        self._history.append(record)
        self._tell("epoch_ended", training_id=self._recipe.id, epoch=record.index, losses=record.losses)

    def done(self, recipe: Recipe, model: LatentModel, fitted: Fitted) -> Recorded | None:
        """Record the whole training, and return what was stored."""
        return self._record(recipe, model, fitted, None)

    def passed(self, recipe: Recipe, model: LatentModel, fitted: Fitted) -> None:
        """Record a snapshot as a training of fewer epochs."""
        self._record(recipe, model, fitted, None)

    def failed(self, model: LatentModel, error: BaseException) -> WorkFailed:
        """Record that the training failed, and return what to raise."""
        why = self._catalog.reason(error, type(model))
        self._record(self._recipe, model, Fitted(self._history), why)
        recipe = self._recipe
        title = f"training {recipe.id[:8]} of model {recipe.model.name!r} with seed {recipe.seed} failed"
        return WorkFailed(f"{title}: {why}")

    def _record(self, recipe: Recipe, model: LatentModel, fitted: Fitted, error: str | None) -> Recorded | None:
        status: Status = "done" if error is None else "failed"
        record = TrainingRecord(
            id=recipe.id,
            recipe=recipe.record(),
            latent_dim=model.latent_dim,
            status=status,
            error=error,
            notes=(*self._notes_of(model), *fitted.notes, *self._notes) if error is None else (),
            started=self._started,
            seconds=time.perf_counter() - self._clock,
            device=str(self._device),
        )
        # Of a training that failed nothing is read: its device may be what has failed.
        weights = {} if error else {name: _array(value) for name, value in model.state_dict().items()}
        losses = [epoch.losses for epoch in fitted.history]
        stored = self._store.record_training(record, losses, weights or None, replace=self._force)
        self._tell(
            "trained",
            training_id=recipe.id,
            status=status,
            seconds=record.seconds,
            recipe=recipe.identity(),
            error=error,
        )
        return None if stored is None else Recorded(stored, weights)

    def _tell(self, event: str, **news: object) -> None:
        tell(self._catalog.manager, event, **news)

    def _notes_of(self, model: LatentModel) -> Sequence[str]:
        try:
            found: object = model.notes()
            # The letters of a text alone would each be a note.
            return [found] if isinstance(found, str) else [str(note) for note in cast(Iterable[object], found)]
        except KeyboardInterrupt:
            raise
        # A stranger's model runs here, and must not cost a training that has ended; it may raise no Exception.
        except BaseException as error:
            why = self._catalog.reason(error, type(model).notes)
            # The traceback is for --debug.
            is_debug = log.isEnabledFor(logging.DEBUG)
            log.warning("the model's own notes on its training failed: %s", why, exc_info=error if is_debug else None)
            return [f"the model's own notes failed: {why}"]


def _array(value: torch.Tensor) -> NDArray[Any]:
    """Return a weight as an array; as float32, which holds all its values, if NumPy does not have its format."""
    found = value.detach().cpu()
    is_short = found.is_floating_point() and found.itemsize <= 2 and str(found.dtype) != "torch.float16"
    array: NDArray[Any] = (found.float() if is_short else found).numpy()
    return array
