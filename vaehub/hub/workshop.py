"""Where the work is done: data loaded, models built and trained, metrics applied."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import torch

from vaehub.core.data import Dataset, DataSource
from vaehub.core.errors import StoreError, VaehubError, WorkFailed
from vaehub.core.metric import Metric
from vaehub.core.model import LatentModel
from vaehub.core.network import Network
from vaehub.core.random import generator, seeded_construction
from vaehub.core.recipe import Part, Recipe
from vaehub.core.result import Result
from vaehub.core.training import EpochRecord, fit, resolve_device
from vaehub.store.records import TrainingRecord, now

if TYPE_CHECKING:
    from vaehub.core.params import ModelParams
    from vaehub.registry.catalog import Catalog
    from vaehub.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=Metric)


@dataclass(frozen=True)
class Trained:
    """A model with the weights of a training, in evaluation mode, and the data that it was trained on."""

    model: LatentModel
    data: Dataset


class Workshop:
    """Carries recipes out and applies metrics.

    Args:
        catalog: Where classes are found.
        store: Where trainings are kept.
        device: Name of the device.
    """

    def __init__(self, catalog: Catalog, store: Store, device: str) -> None:
        self._catalog = catalog
        self._store = store
        self.device = resolve_device(device)
        self._loaded: tuple[Part, Dataset] | None = None

    # Data and models

    def load(self, dataset: Part) -> Dataset:
        """Return a dataset; the last one is remembered.

        Raises:
            DataError: If it cannot be had.
        """
        if self._loaded is None or self._loaded[0] != dataset:
            source = self._class("dataset", dataset, DataSource)(dataset.params)
            self._loaded = dataset, self._checked(f"dataset {dataset.name!r}", source.load)
        return self._loaded[1]

    def data_of(self, recipe: Recipe) -> Dataset:
        """Return a recipe's data with its part for validation set aside."""
        split = generator(recipe.seed, "validation split")
        return self.load(recipe.dataset).with_validation(recipe.train.validation, split)

    def build(self, recipe: Recipe, data: Dataset) -> LatentModel:
        """Return a model that has learned nothing yet, on the CPU, having seen that it can take the data.

        Raises:
            VaehubError: If it cannot.
        """
        params = cast("ModelParams", recipe.model.params)
        kind = self._class("model", recipe.model, LatentModel)
        architecture = self._class("network", recipe.network, Network)

        def construct() -> LatentModel:
            with seeded_construction(recipe.seed):
                network = architecture(recipe.network.params, data.spec, params.latent_dim, kind.n_statistics)
                return kind(params, network, data.spec)

        title = f"model {recipe.model.name!r} on network {recipe.network.name!r}"
        model = self._checked(title, construct)
        self._checked(title, lambda: _try_out(model, data, title))
        return model

    def restore(self, recipe: Recipe) -> Trained:
        """Return a stored training.

        Raises:
            VaehubError: If its weights are missing, damaged, or do not fit.
        """
        data = self.data_of(recipe)
        model = self.build(recipe, data)
        weights = {name: torch.from_numpy(array) for name, array in self._store.weights(recipe.id).items()}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise StoreError(f"the weights of training {recipe.id} do not fit its model: {reason}") from error
        return Trained(model.to(self.device).eval(), data)

    # Training

    def train(self, recipe: Recipe, model: LatentModel, data: Dataset, *, force: bool) -> None:
        """Train a model as it was built, and record it, whether that succeeds or fails.

        Args:
            recipe: What to train.
            model: From :meth:`build`.
            data: From :meth:`data_of`.
            force: Start anew, and take the place of what is recorded.

        Raises:
            WorkFailed: If the training fails; that is recorded.
        """
        model.to(self.device)
        checkpoint = self._store.checkpoint(recipe.id)
        if force:
            checkpoint.discard()
        self._tell("training_started", training_id=recipe.id, recipe=recipe.identity())
        started, clock = now(), time.perf_counter()
        history: list[EpochRecord] = []

        def epoch_ended(record: EpochRecord) -> None:
            history.append(record)
            self._tell("epoch_ended", training_id=recipe.id, epoch=record.index, losses=record.losses)

        try:
            label = f"training {recipe.model.name}, seed {recipe.seed}"
            history = fit(
                model, data, recipe.train, seed=recipe.seed, checkpoint=checkpoint, on_epoch=epoch_ended, label=label
            )
            failure = None
        except StoreError:
            raise  # a checkpoint could not be read or written: the training itself is not at fault
        # A stranger's model runs here.
        except Exception as error:  # noqa: BLE001
            failure = error
        record = TrainingRecord(
            id=recipe.id,
            recipe=recipe.record(),
            latent_dim=model.latent_dim,
            status="done" if failure is None else "failed",
            error=None if failure is None else reason(failure),
            notes=model.notes() if failure is None else (),
            started=started,
            seconds=time.perf_counter() - clock,
            device=str(self.device),
        )
        self._record(record, history, model, force=force)
        checkpoint.discard()
        self._tell("trained", training_id=recipe.id, status=record.status, seconds=record.seconds)
        if failure is not None:
            title = f"training {recipe.id[:8]} of model {recipe.model.name!r} with seed {recipe.seed} failed"
            raise WorkFailed(f"{title}: {reason(failure)}") from failure

    def _record(self, record: TrainingRecord, history: list[EpochRecord], model: LatentModel, *, force: bool) -> None:
        weights = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
        losses = [epoch.losses for epoch in history]
        self._store.record_training(record, losses, weights if record.status == "done" else None, replace=force)

    # Metrics

    def metric(self, part: Part, contract: type[M], seed: int) -> M:
        """Return a metric, ready to measure.

        Raises:
            VaehubError: If it cannot be loaded, or measures something else than its manifest says.
        """
        return self._class("metric", part, contract)(part.params, seed)

    def tell_measured(self, measurement_id: str, metric: str, result: Result) -> None:
        """Tell plugins that a measurement is recorded."""
        self._tell("measured", measurement_id=measurement_id, metric=metric, result=result)

    # Strangers

    def _class(self, kind: str, part: Part, contract: type[T]) -> type[T]:
        return self._catalog.find(kind, f"{part.distribution}:{part.name}").load(contract)

    def _checked(self, title: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except VaehubError:
            raise
        # A stranger's code runs here, before any training has begun.
        except Exception as error:
            raise VaehubError(f"{title} cannot be made: {reason(error)}") from error

    def _tell(self, event: str, **news: object) -> None:
        try:
            getattr(self._catalog.manager.hook, f"vaehub_{event}")(**news)
        # A stranger's tracker runs here, and must not cost a training.
        except Exception:
            log.warning("a plugin failed when told of %s", event, exc_info=True)


def reason(error: Exception) -> str:
    """Return what went wrong, as a record keeps it."""
    return str(error) if isinstance(error, VaehubError) else f"{type(error).__name__}: {error}"


@torch.no_grad()
def _try_out(model: LatentModel, data: Dataset, title: str) -> None:
    """See that a model keeps its contract on two observations, which is cheaper to learn now than after training."""
    batch = data.part("train").batch(slice(0, 2))
    was_training = model.training
    model.eval()
    mu = model.encode(batch).mu
    if mu.shape != (len(batch), model.latent_dim):
        raise VaehubError(f"{title} encodes to shape {tuple(mu.shape)}, expected {(len(batch), model.latent_dim)}")
    x = model.decode(mu)
    if x.shape != batch.x.shape:
        raise VaehubError(f"{title} decodes to shape {tuple(x.shape)}, expected {tuple(batch.x.shape)}")
    model.train(was_training)
