"""One training, step by step, and the state needed to resume it exactly."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.data.size import advice_on_size
from vaehub.core.errors import TrainingDiverged, WorkFailed, described
from vaehub.core.model import EVALUATION_BATCH, Epoch, LatentModel, Losses, Step
from vaehub.core.random import generator, seeded_layers
from vaehub.core.recipe import TrainParams
from vaehub.training.stability import Stability
from vaehub.training.sums import Sums

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class EpochRecord:
    """Result of one epoch.

    Attributes:
        index: Counted from 0.
        learning_rate: Step size during the epoch.
        seconds: Duration, validation included.
        losses: Mean over the observations of each split (``train``, ``validation``): ``total`` and the named terms.
    """

    index: int
    learning_rate: float
    seconds: float
    losses: Mapping[str, Mapping[str, float]]


@dataclass
class TrainingState:
    """State of a training between two epochs, sufficient to resume it exactly.

    No state of a generator is needed, because every epoch derives its own from the seed and its number.

    Attributes:
        tensors: Weights, state of the optimisers, and best weights so far, by path.
        plain: Everything else, as JSON values.
    """

    tensors: Weights = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)


class Loop:
    """Model, optimisers and history of one training.

    Args:
        model: The model, on its device.
        data: Data for the same device, with a split ``train`` and perhaps ``validation``.
        params: How to train.
        seed: Determines the order of observations and all noise.
    """

    def __init__(self, model: LatentModel, data: Dataset, params: TrainParams, seed: int) -> None:
        self.model = model
        self.train = data.split("train")
        self.validation = data.split("validation") if "validation" in data.splits else None
        self.params = params
        self.seed = seed
        model.training_started(self.train)
        self.optimiser = model.optimiser(params.learning_rate)
        self.adversaries = model.adversaries(params.learning_rate)
        theirs = [weight for each in self.adversaries for weight in _weights_of(each.optimiser)]
        self.frozen_weights = _not_in(self.optimiser, theirs)
        self.schedule = (
            None
            if params.lr_patience is None
            # Any improvement counts: a relative threshold would misjudge losses that are negative or fall slowly.
            else ReduceLROnPlateau(self.optimiser, factor=params.lr_factor, patience=params.lr_patience, threshold=0)
        )
        self.history: list[EpochRecord] = []
        self.steps = 0
        self.best: Weights = {}
        self.best_loss = math.inf
        self.stability = Stability()

    # An epoch

    @property
    def index(self) -> int:
        """Epochs completed so far."""
        return len(self.history)

    def begin_epoch(self) -> OpenEpoch:
        """Prepare the model for an epoch, and draw the order of its observations."""
        started = time.perf_counter()
        noise = self.generator("epoch", self.index)
        self.model.eval()
        rows = self.model.epoch_started(Epoch(self.index, self.train, noise))
        self.model.train()
        if rows is None:
            rows = torch.arange(len(self.train), device=self.model.device)
        order = torch.randperm(len(rows), generator=self.generator("order", self.index, device="cpu"))
        batches = _batches(rows[order.to(rows.device)], self.params.batch_size)
        return OpenEpoch(started, noise, batches, Sums(self.index, "train", self.remedy))

    def step(self, batch: Batch, losses: Losses, epoch: OpenEpoch) -> None:
        """Take one step along the computed gradients, adversaries and hooks included."""
        self.optimiser.step()
        now = self.now(epoch)
        for adversary in self.adversaries:
            for _ in range(adversary.n_steps):
                loss = adversary.loss(batch, now, losses)
                adversary.optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                adversary.optimiser.step()
            losses = replace(losses, terms={**losses.terms, adversary.name: loss})
        self.model.step_ended(losses, now)
        self.steps += 1
        epoch.sums.add(losses, len(batch))

    def now(self, epoch: OpenEpoch) -> Step:
        """Return the current step."""
        return Step(self.steps, self.index, epoch.noise)

    def end_epoch(self, epoch: OpenEpoch) -> EpochRecord:
        """Check the result of an epoch, and add it to the history."""
        losses: dict[str, Mapping[str, float]] = {"train": epoch.sums.means()}
        self._check_weights()
        return self._ended(losses, epoch.started)

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or what the training was to find has converged."""
        return self.reached >= self.params.length or self.stability.is_reached

    @property
    def reached(self) -> int:
        """Steps completed so far, of a training whose length is given in steps; else epochs."""
        return self.index if self.params.steps is None else self.steps

    def count(self) -> None:
        """Count the latents that are found, if the training waits for them and it is time to."""
        if self.params.until == "stable" and self.stability.is_due(self.steps):
            noise = self.generator("count", self.index, device="cpu")
            self.stability.add(self.steps, self.model.n_selected_latents(self.train, noise))

    def notes(self) -> tuple[str, ...]:
        """Return how it ended, if that was open."""
        if not self.stability.counts:
            return ()
        return (self.stability.note(ended_early=self.stability.is_reached),)

    def ended_here(self, epoch: OpenEpoch, copied: LatentModel) -> Loop:
        """Return a copy of this training, as if it had ended with the latest step.

        Args:
            epoch: In which that step was.
            copied: A copy of the model as it is, for the copied training.
        """
        twin = copy.copy(self)
        twin.model = copied
        twin.model.zero_grad(set_to_none=True)
        twin.schedule, twin.history = None, list(self.history)
        twin.stability = Stability(list(self.stability.counts))
        # What layers draw in the rest of the epoch must not depend on whether a copy was made.
        with seeded_layers(self.seed, "copy", self.steps, device=self.model.device):
            twin.end_epoch(epoch)
            twin.count()
            twin.finish()
        return twin

    def solve(self) -> bool:
        """Let the model set its weights in closed form, if it has one."""
        started = time.perf_counter()
        self.model.eval()
        if not self.model.solve(Epoch(0, self.train, self.generator("solution"))):
            return False
        self._ended({"train": self._evaluate(self.train, "train")}, started)
        return True

    def _ended(self, losses: dict[str, Mapping[str, float]], started: float) -> EpochRecord:
        rate = self.optimiser.param_groups[0]["lr"]
        self.model.eval()
        if self.validation is not None:
            losses["validation"] = self._evaluate(self.validation, "validation")
        watched = self.model.progress(losses.get("validation", losses["train"]))
        if self.schedule is not None:
            self.schedule.step(watched)
        if self.params.keep == "best" and watched < self.best_loss:
            self.best_loss, self.best = watched, _copied(self.model.state_dict())
        record = EpochRecord(self.index, float(rate), time.perf_counter() - started, losses)
        self.history.append(record)
        return record

    @torch.no_grad()
    def _evaluate(self, data: Dataset, split: str) -> dict[str, float]:
        noise = self.generator("validation", self.index)
        sums = Sums(self.index, split, self.remedy)
        for batch in data.batches(EVALUATION_BATCH):
            sums.add(self.model.loss(batch, Step(self.steps, self.index, noise)), len(batch))
        return sums.means()

    def _check_weights(self) -> None:
        if not all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()):
            raise TrainingDiverged(
                f"training diverged in epoch {self.index + 1}: a weight is NaN or infinite; {self.remedy()}",
                epoch=self.index,
            )

    def remedy(self) -> str:
        """Return what may help a training that diverged: to scale large observations, or else smaller steps."""
        some = self.train.batch(slice(0, EVALUATION_BATCH)).x
        return advice_on_size(some) or "a smaller 'train.learning_rate' may help"

    # The end

    def finish(self) -> None:
        """Leave the model in evaluation mode with the weights that are kept."""
        self._finish(self.model)

    def snapshot(self) -> LatentModel:
        """Return a copy of the model, finished as if the training had ended here."""
        copied = copy.deepcopy(self.model)
        copied.zero_grad(set_to_none=True)
        self._finish(copied)
        return copied

    def _finish(self, model: LatentModel) -> None:
        if self.best:
            model.load_state_dict(self.best)
        model.eval()
        model.training_ended(Epoch(self.index, self.train, self.generator("end")))

    # Saving and resuming

    def state(self) -> TrainingState:
        """Return the state of the training."""
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        groups = {}
        for path, optimiser in self._optimisers().items():
            known = optimiser.state_dict()
            groups[path] = known["param_groups"]
            for index, entries in known["state"].items():
                tensors |= {f"{path}/{index}/{name}": value for name, value in entries.items()}
        plain = {
            "steps": self.steps,
            "best_loss": self.best_loss,
            "history": [asdict(record) for record in self.history],
            "groups": groups,
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "counts": self.stability.counts,
        }
        return TrainingState(tensors, plain)

    def restore(self, state: TrainingState) -> None:
        """Resume from the state of a training."""
        self.model.load_state_dict(_below("model/", state.tensors))
        self.best = _below("best/", state.tensors)
        for path, optimiser in self._optimisers().items():
            entries: dict[int, Weights] = {}
            for rest, value in _below(f"{path}/", state.tensors).items():
                index, name = rest.split("/")
                entries.setdefault(int(index), {})[name] = value
            optimiser.load_state_dict({"state": entries, "param_groups": state.plain["groups"][path]})
            _lay_out(optimiser)
        if self.schedule is not None:
            self.schedule.load_state_dict(state.plain["schedule"])
        self.steps = state.plain["steps"]
        self.best_loss = state.plain["best_loss"]
        self.history = [EpochRecord(**record) for record in state.plain["history"]]
        # Checkpoints of earlier versions have none.
        self.stability = Stability([(steps, count) for steps, count in state.plain.get("counts", ())])

    def _optimisers(self) -> dict[str, Optimizer]:
        return {"optimiser": self.optimiser} | {f"adversary-{each.name}": each.optimiser for each in self.adversaries}

    def generator(self, *purpose: str | int, device: torch.device | str | None = None) -> torch.Generator:
        """Return a fresh generator for a purpose, on the model's device if no other is given."""
        return generator(self.seed, "training", *purpose, device=device or self.model.device)


@dataclass(frozen=True)
class OpenEpoch:
    """An epoch in progress.

    Attributes:
        started: Start time, by :func:`time.perf_counter`.
        noise: Source of all noise in its losses.
        batches: Row numbers of each batch.
        sums: Sums of the losses so far.
    """

    started: float
    noise: torch.Generator
    batches: list[Tensor]
    sums: Sums


def checked(losses: object, model: LatentModel) -> Losses:
    """Return what a model's loss returned.

    Raises:
        WorkFailed: If it is something else than losses of one batch.
    """
    title = f"'loss' of model class {type(model).__name__!r}"
    if not isinstance(losses, Losses):
        raise WorkFailed(f"{title} returned {described(losses)}, and returns vaehub.Losses(total, terms)")
    for name, value in {"total": losses.total, **losses.terms}.items():
        if not (isinstance(value, Tensor) and value.ndim == 0):
            raise WorkFailed(
                f"{title} returned {described(value)} as {name!r}, and each loss is a tensor of one number, the mean "
                "over the batch"
            )
    return losses


@contextmanager
def frozen(weights: list[nn.Parameter]) -> Iterator[None]:
    """Freeze the given weights inside the context."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _weights_of(optimiser: Optimizer) -> list[nn.Parameter]:
    return [weight for group in optimiser.param_groups for weight in group["params"]]


def _not_in(optimiser: Optimizer, weights: list[nn.Parameter]) -> list[nn.Parameter]:
    known = {id(weight) for weight in _weights_of(optimiser)}
    return [weight for weight in weights if id(weight) not in known]


def _lay_out(optimiser: Optimizer) -> None:
    """Give the optimiser's state the memory layout of its weights, which fused steps assume."""
    for weight, entries in optimiser.state.items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                entries[name] = torch.empty_like(weight).copy_(value)


def _batches(rows: Tensor, size: int) -> list[Tensor]:
    chunks = list(torch.split(rows, size))
    if size > 1 and len(chunks) > 1 and len(chunks[-1]) == 1:
        # Batch normalisation cannot compute the variance of a single observation, so it joins the previous batch.
        chunks[-2:] = [torch.cat(chunks[-2:])]
    return chunks


def _copied(weights: Mapping[str, Tensor]) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    return {path.removeprefix(prefix): value for path, value in tensors.items() if path.startswith(prefix)}
