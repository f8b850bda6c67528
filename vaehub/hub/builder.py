"""Builds datasets, models and metrics, and trains recipes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch

from vaehub.adapters.modules import check_finite
from vaehub.adapters.user_model import Wrapped
from vaehub.adapters.user_parts import TRIED
from vaehub.adapters.wrap import wrap
from vaehub.core.data.dataset import Dataset
from vaehub.core.data.source import DataSource
from vaehub.core.errors import ContractBroken, DataError, StoreError, VaehubError, WorkFailed
from vaehub.core.metric import Metric
from vaehub.core.model import LatentModel
from vaehub.core.network import Network
from vaehub.core.random import generator, seeded_construction
from vaehub.core.recipe import Component, Recipe
from vaehub.hub.answers import loaded
from vaehub.hub.data_copies import DataCopies
from vaehub.hub.extractors import Extractors
from vaehub.hub.in_memory import InMemoryModel, content_of, recipe_of_model
from vaehub.hub.memory import LIMIT, Memory, Trained
from vaehub.hub.model_copies import faithful_copy, measured_copy
from vaehub.hub.model_size import WithinMemory
from vaehub.hub.recorder import Recorded, Recorder
from vaehub.hub.requests import restored_recipe
from vaehub.hub.subject import IN_MEMORY
from vaehub.hub.training_job import TrainingJob, discard, tried_out
from vaehub.store.failures import gone
from vaehub.training.devices import find_devices
from vaehub.training.ensemble import CannotBeBatched, EnsembleMember, fit_together
from vaehub.training.fit import Fitted, fit
from vaehub.training.threads import threads_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vaehub.core.params import ModelParams
    from vaehub.registry.catalog import Catalog
    from vaehub.store.records import TrainingRecord
    from vaehub.store.store import Store

log = logging.getLogger(__name__)

VALIDATION_IN_MEMORY = 0.1
"""Share of the training split that metrics of validation data look at, where a model was handed over."""

T = TypeVar("T")
M = TypeVar("M", bound=Metric)


class Builder:
    """Builds datasets, models and metrics, and trains recipes.

    What was used last is remembered, within a bound of memory.

    Args:
        catalog: Where classes are found.
        store: Where trainings are kept.
        device: Name of the device; of several, the first computes.
        share: Threads of this process where the cores were divided among workers.
        room: Bytes of what is remembered.
    """

    def __init__(
        self, catalog: Catalog, store: Store, device: str, *, share: int | None = None, room: int = LIMIT
    ) -> None:
        self._catalog = catalog
        self._store = store
        self.device = find_devices(device)[0]
        self.copies = DataCopies()
        self._memory = Memory(room)
        self._in_memory: dict[str, Trained] = {}
        self._share = share
        self._work: dict[str, float] = {}  # floating-point operations of a step, by recipe

    # Data and models

    def load(self, dataset: Component) -> Dataset:
        """Return a dataset.

        Raises:
            DataError: If it cannot be had.
        """
        if dataset.distribution == IN_MEMORY:
            return self.copies.find(dataset)
        found = self._memory.dataset(dataset)
        if found is None:
            kind = self._class("dataset", dataset, DataSource)
            source = self._checked(f"dataset {dataset.name!r}", lambda: kind(dataset.params), kind)
            found = self._checked(f"dataset {dataset.name!r}", lambda: loaded(source, dataset.name), kind)
            self._memory.keep_dataset(dataset, found)
        return found

    def data_of(self, recipe: Recipe) -> Dataset:
        """Return a recipe's data with the validation split set aside."""
        split = generator(recipe.seed, "validation split")
        return self.load(recipe.dataset).with_validation(recipe.train.validation, split)

    def build(self, recipe: Recipe, data: Dataset) -> LatentModel:
        """Build an untrained model on the CPU and check it against the data.

        Raises:
            VaehubError: If it cannot.
        """
        params = cast("ModelParams", recipe.model.params)
        kind = self._class("model", recipe.model, LatentModel)
        architecture = self._class("network", recipe.network, Network)

        title = f"model {recipe.model.name!r} on network {recipe.network.name!r}"

        def construct() -> LatentModel:
            with seeded_construction(recipe.seed), WithinMemory(title):
                network = architecture(recipe.network.params, data.spec, params.latent_dim, kind.n_statistics)
                return kind(params, network, data.spec)

        model = self._checked(title, construct, architecture, kind)
        self._checked(title, lambda: self._try_out(recipe, model, data, title), architecture, kind)
        return model

    def job(self, recipe: Recipe, snapshots: Sequence[Recipe] = ()) -> TrainingJob:
        """Return a recipe that is ready to be trained.

        Raises:
            VaehubError: If its data cannot be had, or its model not be built.
        """
        data = self.data_of(recipe)
        model = self.build(recipe, data)
        if recipe.train.until == "stable" and not model.counts_selected_latents:
            raise VaehubError(
                f"model {recipe.model.name!r} selects no latents whose number 'train.until=stable' could wait for; one "
                "with an ARD prior does, and '-s train.until=epochs' trains every model"
            )
        return TrainingJob(recipe, model, data, snapshots, faithful_copy(model))

    def restore(self, recipe: Recipe) -> Trained:
        """Return a stored training, rebuilt from the store.

        Raises:
            VaehubError: If its weights are missing, damaged, or do not fit.
        """
        if recipe.model.distribution == IN_MEMORY:
            return self._in_memory.get(recipe.id) or self._wrapped_again(recipe)
        data = self.data_of(recipe)
        weights = self._store.weights(recipe.id)
        if not weights and self._store.training(recipe.id) is None:
            raise gone("training", recipe.id)
        return self._trained(self.build(recipe, data), data, weights, recipe)

    def trained(self, recipe: Recipe, record: TrainingRecord) -> Trained:
        """Return a stored training, from memory if it is there; callers must not change the model.

        Args:
            recipe: Of the training.
            record: That the store has of it now.

        Raises:
            VaehubError: As :meth:`restore`.
        """
        name = record.weights
        if name is None or recipe.model.distribution == IN_MEMORY:
            return self.restore(recipe)
        found = self._memory.trained(name)
        if found is None:
            found = self.restore(recipe)
            self._memory.keep_trained(name, found)
        return found

    def _trained(
        self, model: LatentModel, data: Dataset, weights: Mapping[str, NDArray[Any]], recipe: Recipe
    ) -> Trained:
        try:
            model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise StoreError(f"the weights of training {recipe.id} do not fit its model: {reason}") from error
        return Trained(model.to(self.device).eval(), data)

    # Models in memory

    def adopt(self, model: LatentModel, dataset: Component) -> Recipe:
        """Keep a copy of a user's model and the data to measure it on, and return its recipe.

        The user's own is looked at in evaluation mode, and stays exactly as it is: what is measured is the copy.

        Raises:
            VaehubError: If it does not fit the data.
        """
        data = self.load(dataset)
        split = data.with_validation(VALIDATION_IN_MEMORY, generator(0, "validation split"))
        title = "the model"
        if isinstance(model, Wrapped):
            check_finite(model, f"model {model.name!r}")
        # Nothing of the user's runs but in the copy: it may count its calls, or keep what it is given.
        measured = self._checked(title, lambda: measured_copy(model, self.device))
        content = content_of(model)
        if isinstance(measured, Wrapped):
            measured.meet(split.split("train").batch(slice(0, TRIED)), data.spec)
        recipe = recipe_of_model(measured, content, dataset)
        if recipe.id not in self._in_memory:
            self._checked(title, lambda: self._try_out(recipe, measured, split.to(self.device), title))
            self._keep_adopted(recipe.id, Trained(measured, split))
        return recipe

    def _keep_adopted(self, training: str, adopted: Trained) -> None:
        """Keep the copy of a user's model; the oldest go first, for a training loop may hand over one an epoch."""
        self._in_memory[training] = adopted
        while len(self._in_memory) > 2 and sum(each.n_bytes for each in self._in_memory.values()) > LIMIT:
            del self._in_memory[next(iter(self._in_memory))]

    def _wrapped_again(self, recipe: Recipe) -> Trained:
        """Return a user's model that was measured in another process, made again by its import path."""
        params, name = recipe.model.params, recipe.model.name
        origin: dict[str, Any] | None = params.origin if isinstance(params, InMemoryModel) else None
        if origin is None:
            raise VaehubError(
                f"model {name!r} was handed over in memory; wrap it again in Python, or train it on network 'own'"
            )
        found = self.adopt(wrap(**origin, name=name), recipe.dataset)
        if found.id != recipe.id:
            raise VaehubError(
                f"model {name!r} is found at {origin['model']!r}, and its weights or its code are no longer those that "
                f"were measured as training {recipe.id[:8]}; wrap and measure it anew"
            )
        return self._in_memory[recipe.id]

    def record_in_memory(self, recipe: Recipe) -> None:
        """Record a user's model as a training of 0 epochs, with its weights."""
        adopted = self._in_memory[recipe.id]
        recorder = Recorder(self._store, self._catalog, self.device, recipe, force=False, notes=adopted.data.notes)
        recorder.done(recipe, adopted.model, Fitted((), ("it was handed over as it is",)))

    # Training

    def train(self, job: TrainingJob, *, force: bool, notes: Sequence[str] = ()) -> TrainingRecord | None:
        """Train a model, record it, whether that succeeds or fails, and return what was stored, if anything was.

        Args:
            job: What to train.
            force: Start anew, and take the place of what is recorded.
            notes: What the record has to say besides.

        Raises:
            WorkFailed: If the training fails; that is recorded.
        """
        return self._train(job, *self._member(job, force=force), notes)

    def _train(
        self, job: TrainingJob, member: EnsembleMember, recorder: Recorder, notes: Sequence[str]
    ) -> TrainingRecord | None:
        recipe = job.recipe
        try:
            with self._threads([recipe]):
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
        except KeyboardInterrupt:
            raise
        # A stranger's model runs here, and what it raises need be no Exception.
        except BaseException as error:
            failure = recorder.failed(member.model, error)
            discard(member)
            raise failure from error
        recorded = recorder.done(recipe, member.model, replace(fitted, notes=(*fitted.notes, *notes)))
        discard(member)
        self._remember(job, recorded)
        return None if recorded is None else recorded.record

    def train_together(self, jobs: Sequence[TrainingJob], *, force: bool) -> None:
        """Train models that differ only in their seed as one batched program, or one by one if that is impossible.

        Raises:
            WorkFailed: If a training fails, when all have ended; all is recorded.
        """
        members = [self._member(job, force=force) for job in jobs]
        first = jobs[0].recipe
        seeds = ", ".join(str(job.recipe.seed) for job in jobs)
        try:
            with self._threads([job.recipe for job in jobs], are_together=True):
                found = fit_together(
                    [member for member, _ in members],
                    first.train,
                    label=f"training {first.model.name}, seeds {seeds}",
                )
        except CannotBeBatched as error:
            note = f"seeds were trained one by one, because this model cannot be trained together: {error}"
            log.warning(note)
            for job, (member, recorder) in zip(jobs, members, strict=True):
                self._train(job, member, recorder, (note,))
            return
        except StoreError:
            raise  # as above
        except KeyboardInterrupt:
            raise
        # A stranger's model runs here. What it cannot go on with stops all of them.
        except BaseException as error:
            failed = [recorder.failed(member.model, error) for member, recorder in members]
            for member, _ in members:
                discard(member)
            raise failed[0] from error
        failures: list[tuple[WorkFailed, Exception]] = []
        for job, (member, recorder), result in zip(jobs, members, found, strict=True):
            if isinstance(result, Fitted):
                self._remember(job, recorder.done(job.recipe, job.model, result))
            else:
                failures.append((recorder.failed(job.model, result), result))
            discard(member)
        for failure, cause in failures[:1]:
            raise failure from cause

    def _remember(self, job: TrainingJob, recorded: Recorded | None) -> None:
        """Keep the model of a training exactly as it would be restored from the store, for the next metric."""
        if recorded is None or recorded.record.weights is None or job.untrained is None:
            return
        trained = self._trained(job.untrained, job.data, recorded.weights, job.recipe)
        self._memory.keep_trained(recorded.record.weights, trained)

    def _member(self, job: TrainingJob, *, force: bool) -> tuple[EnsembleMember, Recorder]:
        recipe = job.recipe
        checkpoint = self._store.checkpoint(recipe.id)
        if force:
            checkpoint.discard()
        recorder = Recorder(self._store, self._catalog, self.device, recipe, force=force, notes=job.data.notes)
        snapshots = {each.train.length: partial(recorder.passed, each) for each in job.snapshots}
        model = job.model.to(self.device)
        return EnsembleMember(model, job.data, recipe.seed, checkpoint, recorder.epoch_ended, snapshots), recorder

    # Metrics

    def metric(self, component: Component, contract: type[M], seed: int) -> M:
        """Return a metric, ready to measure.

        Raises:
            VaehubError: If it cannot be loaded, or measures something else than its manifest says.
        """
        extractors, kind = Extractors(self._catalog, self.model_of), self._class("metric", component, contract)
        make = partial(kind, component.params, seed, self.model_of, component.name, extractors)
        return self._checked(f"metric {component.name!r}", make, kind)

    def model_of(self, training: str) -> LatentModel:
        """Return the model of a stored training.

        Raises:
            VaehubError: If there is none.
        """
        record = self._store.training(training)
        if record is None or record.status == "failed":
            raise VaehubError(f"training {training!r} is not in the store, or failed; 'vaehub show' lists trainings")
        return self.trained(restored_recipe(self._catalog, record.recipe), record).model

    # Threads

    def threads_of(self, metric: Metric, trainings: Sequence[Recipe]) -> AbstractContextManager[None]:
        """Return the context in which a metric measures trainings, which have been built: its number of threads."""
        is_small = trainings and not metric.computes_much
        return self._threads(trainings) if is_small else nullcontext()

    def _threads(self, recipes: Sequence[Recipe], *, are_together: bool = False) -> AbstractContextManager[None]:
        steps = [self._work[recipe.id] for recipe in recipes]
        return threads_for(sum(steps) if are_together else max(steps), self.device, share=self._share)

    # Strangers

    def _try_out(self, recipe: Recipe, model: LatentModel, data: Dataset, title: str) -> None:
        """Check a model's shapes, since an error costs less now than after training, and see how much work it is."""
        per_observation = tried_out(model, data, title)
        self._work[recipe.id] = min(recipe.train.batch_size, len(data.split("train"))) * per_observation

    def _class(self, kind: str, component: Component, contract: type[T]) -> type[T]:
        return self._catalog.find(kind, f"{component.distribution}:{component.name}").load(contract)

    def _checked(self, title: str, work: Callable[[], T], *suspects: type) -> T:
        try:
            return work()
        except (DataError, ContractBroken) as error:
            if said := self._catalog.said_of_guest(error, title, *suspects):
                raise type(error)(said) from error
            raise
        except (VaehubError, KeyboardInterrupt):
            raise
        # A stranger's code runs here, before any training has begun.
        except BaseException as error:
            raise VaehubError(f"{title} cannot be made: {self._catalog.reason(error, *suspects)}") from error
