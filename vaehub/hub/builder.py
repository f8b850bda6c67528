"""Where the work is done: data loaded, models built and trained, metrics applied."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

import torch

from vaehub.core.data import Dataset, DataSource
from vaehub.core.errors import StoreError, VaehubError, WorkFailed
from vaehub.core.metric import Metric
from vaehub.core.model import LatentModel, evaluating
from vaehub.core.network import Network
from vaehub.core.random import generator, seeded_construction
from vaehub.core.recipe import Part, Recipe
from vaehub.core.result import Result
from vaehub.core.together import CannotBeBatched, EnsembleMember, fit_together
from vaehub.core.training import Fitted, fit, resolve_device
from vaehub.core.wrapped import Wrapped
from vaehub.hub.in_memory import given_data, given_recipe
from vaehub.hub.recorder import Recorder, reason, tell
from vaehub.hub.requests import restored_recipe

if TYPE_CHECKING:
    from vaehub.core.params import ModelParams
    from vaehub.registry.catalog import Catalog
    from vaehub.store.store import Store

log = logging.getLogger(__name__)

VALIDATION_OF_GIVEN = 0.1
"""Share of the training part that metrics of validation data look at, where a model was handed over."""

T = TypeVar("T")
M = TypeVar("M", bound=Metric)


@dataclass(frozen=True)
class Trained:
    """A model with the weights of a training, in evaluation mode, and the data that it was trained on."""

    model: LatentModel
    data: Dataset


@dataclass(frozen=True)
class TrainingJob:
    """A recipe that is ready to be trained.

    Attributes:
        recipe: What to train.
        model: Built, with nothing learned.
        data: With its part for validation set aside.
        snapshots: Recipes that differ in having fewer epochs, to be recorded on the way.
    """

    recipe: Recipe
    model: LatentModel
    data: Dataset
    snapshots: Sequence[Recipe] = ()


class Builder:
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
        self._given: dict[str, Trained] = {}

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

    def take(self, model: LatentModel, dataset: Part | Dataset) -> Recipe:
        """Take a model that was handed over, and the data to measure it on, and return its recipe.

        Raises:
            VaehubError: If it does not fit the data.
        """
        data = dataset if isinstance(dataset, Dataset) else self.load(dataset)
        part = given_data(dataset) if isinstance(dataset, Dataset) else dataset
        split = data.with_validation(VALIDATION_OF_GIVEN, generator(0, "validation split"))
        model.to(self.device)
        title = "the model"
        if isinstance(model, Wrapped):
            model.meet(split.part("train").batch(slice(0, 2)), data.spec)
        self._checked(title, lambda: _try_out(model, split.to(self.device), title))
        recipe = given_recipe(model, part)
        self._given[recipe.id] = Trained(model.eval(), split)
        return recipe

    def record_given(self, recipe: Recipe) -> None:
        """Record a model that was handed over as a training of no epochs, with its weights."""
        recorder = Recorder(self._store, self._catalog.manager, self.device, recipe, force=False)
        recorder.done(recipe, self._given[recipe.id].model, Fitted((), ("it was handed over as it is",)))

    def restore(self, recipe: Recipe) -> Trained:
        """Return a stored training.

        Raises:
            VaehubError: If its weights are missing, damaged, or do not fit.
        """
        if recipe.id in self._given:
            return self._given[recipe.id]
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

    def train(self, order: TrainingJob, *, force: bool, notes: Sequence[str] = ()) -> None:
        """Train a model, and record it, whether that succeeds or fails.

        Args:
            order: What to train.
            force: Start anew, and take the place of what is recorded.
            notes: What the record has to say besides.

        Raises:
            WorkFailed: If the training fails; that is recorded.
        """
        self._train(order, *self._member(order, force=force), notes)

    def _train(self, order: TrainingJob, member: EnsembleMember, recorder: Recorder, notes: Sequence[str]) -> None:
        recipe = order.recipe
        try:
            fitted = fit(
                member.model,
                member.data,
                recipe.train,
                seed=recipe.seed,
                checkpoint=member.checkpoint,
                on_epoch=member.on_epoch,
                snapshots=member.snapshots,
                label=f"training {recipe.model.name}, seed {recipe.seed}",
            )
        except StoreError:
            raise  # a checkpoint could not be read or written: the training itself is not at fault
        # A stranger's model runs here.
        except Exception as error:
            failure = recorder.failed(member.model, error)
            _discard(member)
            raise failure from error
        recorder.done(recipe, member.model, replace(fitted, notes=(*fitted.notes, *notes)))
        _discard(member)

    def train_together(self, orders: Sequence[TrainingJob], *, force: bool) -> None:
        """Train models that differ in seed alone as one batched program, or one by one where that cannot be.

        Raises:
            WorkFailed: If a training fails, when all have ended; all is recorded.
        """
        members = [self._member(order, force=force) for order in orders]
        first = orders[0].recipe
        seeds = ", ".join(str(order.recipe.seed) for order in orders)
        try:
            found = fit_together(
                [member for member, _ in members],
                first.train,
                label=f"training {first.model.name}, seeds {seeds}",
            )
        except CannotBeBatched as error:
            note = f"seeds were trained one by one, because this model cannot be trained together: {error}"
            log.warning(note)
            for order, (member, recorder) in zip(orders, members, strict=True):
                self._train(order, member, recorder, (note,))
            return
        except StoreError:
            raise  # as above
        # A stranger's model runs here. What it cannot go on with stops all of them.
        except Exception as error:
            failed = [recorder.failed(member.model, error) for member, recorder in members]
            for member, _ in members:
                _discard(member)
            raise failed[0] from error
        failures: list[tuple[WorkFailed, Exception]] = []
        for order, (member, recorder), result in zip(orders, members, found, strict=True):
            if isinstance(result, Fitted):
                recorder.done(order.recipe, order.model, result)
            else:
                failures.append((recorder.failed(order.model, result), result))
            _discard(member)
        for failure, cause in failures[:1]:
            raise failure from cause

    def _member(self, order: TrainingJob, *, force: bool) -> tuple[EnsembleMember, Recorder]:
        recipe = order.recipe
        checkpoint = self._store.checkpoint(recipe.id)
        if force:
            checkpoint.discard()
        recorder = Recorder(self._store, self._catalog.manager, self.device, recipe, force=force)
        snapshots = {each.train.epochs: partial(recorder.done, each) for each in order.snapshots}
        model = order.model.to(self.device)
        return EnsembleMember(model, order.data, recipe.seed, checkpoint, recorder.epoch_ended, snapshots), recorder

    # Metrics

    def metric(self, part: Part, contract: type[M], seed: int) -> M:
        """Return a metric, ready to measure.

        Raises:
            VaehubError: If it cannot be loaded, or measures something else than its manifest says.
        """
        return self._class("metric", part, contract)(part.params, seed, self._model_of)

    def _model_of(self, training: str) -> LatentModel:
        record = self._store.training(training)
        if record is None or record.status == "failed":
            raise VaehubError(f"training {training!r} is not in the store, or failed; 'vaehub show' lists trainings")
        return self.restore(restored_recipe(self._catalog, record.recipe)).model

    def tell_measured(self, measurement_id: str, metric: str, result: Result) -> None:
        """Tell plugins that a measurement is recorded."""
        tell(self._catalog.manager, "measured", measurement_id=measurement_id, metric=metric, result=result)

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


def _discard(member: EnsembleMember) -> None:
    if member.checkpoint is not None:
        member.checkpoint.discard()


@torch.no_grad()
def _try_out(model: LatentModel, data: Dataset, title: str) -> None:
    """See that a model keeps its contract on two observations, which is cheaper to learn now than after training."""
    batch = data.part("train").batch(slice(0, 2))
    with evaluating(model):
        mu = model.encode(batch).mu
        if mu.shape != (len(batch), model.latent_dim):
            raise VaehubError(f"{title} encodes to shape {tuple(mu.shape)}, expected {(len(batch), model.latent_dim)}")
        if not model.decodes:
            return
        x = model.decode(mu)
        if x.shape != batch.x.shape:
            raise VaehubError(f"{title} decodes to shape {tuple(x.shape)}, expected {tuple(batch.x.shape)}")
