"""Training a model: the loop over epochs, with checkpoints and snapshots."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from vaehub.core.data.dataset import Dataset
from vaehub.core.model import LatentModel
from vaehub.core.progress import task
from vaehub.core.random import seeded_layers
from vaehub.core.recipe import TrainParams
from vaehub.training.loop import EpochRecord, Loop, TrainingState, checked, frozen
from vaehub.training.precision import Precision

SHARE_FOR_DATA = 0.5
"""Share of an accelerator's free memory that data may take; the rest is for weights and activations."""


class Checkpoint(Protocol):
    """Stores the state of an unfinished training."""

    def load(self) -> TrainingState | None:
        """Return the last saved state, or ``None``."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to save; asked after every epoch, because collecting a state can take longer than one."""

    def save(self, state: TrainingState) -> None:
        """Save a state atomically; may decide that it is too early."""

    def discard(self) -> None:
        """Delete the state, because the training has ended."""


@dataclass(frozen=True)
class Fitted:
    """Result of a training.

    Attributes:
        history: Record of each epoch.
        notes: Notes on how the training was carried out, one phrase each.
    """

    history: Sequence[EpochRecord]
    notes: Sequence[str] = ()


def fit(
    model: LatentModel,
    data: Dataset,
    params: TrainParams,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    snapshots: Mapping[int, Callable[[LatentModel, Fitted], None]] | None = None,
    label: str = "training",
) -> Fitted:
    """Train a model in place and return its history.

    The result depends only on the model's initial weights, the data, ``params`` and ``seed``: a training that resumed
    from a checkpoint ends with the same bits as one that was never interrupted.

    Args:
        model: An untrained model on its device; left in evaluation mode with the weights that ``params.keep`` selects.
        data: Data with a split ``train`` and, for a validation loss, ``validation``.
        params: How to train.
        seed: Determines the order of observations and all noise.
        checkpoint: Where to save the state between epochs, and to resume from.
        on_epoch: Called after every epoch.
        snapshots: Functions by number of epochs, or of steps if ``params.steps`` is given, each called after that many
            with a copy of the model and a result, as a training of that length would have ended.
        label: Label of the progress.

    Raises:
        TrainingDiverged: If a loss becomes NaN or infinite; the message names the loss and the epoch.
    """
    later = snapshots or {}
    with deterministic(model.device), task(label, _n_epochs(params, data)) as advance:
        precision = Precision(model, params)
        loop = Loop(model, resident(data, model.device), params, seed)
        if checkpoint is not None and (state := checkpoint.load()) is not None:
            loop.restore(state)
            advance(loop.index, note="resumed")
        solved = params.length > 0 and loop.index == 0 and loop.solve()
        if solved:
            _ended(loop.history[0], on_epoch, advance)
        while not solved and not loop.is_over:
            with seeded_layers(seed, "layers", loop.index, device=model.device):
                record = _run_epoch(loop, precision, later)
            loop.count()
            if checkpoint is not None and loop.reached < params.length and checkpoint.is_due:
                checkpoint.save(loop.state())
            if params.steps is None and loop.index in later and loop.index < params.epochs:
                later[loop.index](loop.snapshot(), Fitted(tuple(loop.history), [*precision.notes, *loop.notes()]))
            _ended(record, on_epoch, advance)
        for length, keep in sorted(later.items(), key=lambda item: item[0]):
            # A training of that length would have ended here, too.
            if loop.reached < length < params.length:
                keep(loop.snapshot(), Fitted(tuple(loop.history), [*precision.notes, *loop.notes()]))
        loop.finish()
    return Fitted(loop.history, [*precision.notes, *loop.notes()])


def _run_epoch(
    loop: Loop, precision: Precision, snapshots: Mapping[int, Callable[[LatentModel, Fitted], None]]
) -> EpochRecord:
    """Learn from one epoch, or from as much of it as there are steps left, with snapshots between steps."""
    epoch = loop.begin_epoch()
    with precision.learning() as loss_of:
        for rows in epoch.batches:
            batch = precision.laid_out(loop.train.batch(rows))
            with frozen(loop.frozen_weights):
                losses = checked(loss_of(batch, loop.now(epoch)), loop.model)
                loop.optimiser.zero_grad(set_to_none=True)
                losses.total.backward()  # type: ignore[no-untyped-call]
            loop.step(batch, losses, epoch)
            if loop.params.steps is not None:
                if loop.steps >= loop.params.steps:
                    break
                if loop.steps in snapshots:
                    ended = loop.ended_here(epoch, precision.copied())
                    snapshots[loop.steps](ended.model, Fitted(ended.history, [*precision.notes, *ended.notes()]))
    return loop.end_epoch(epoch)


def _n_epochs(params: TrainParams, data: Dataset) -> int:
    """Return how many epochs a training will have; about, where its length is given in steps."""
    if params.steps is None:
        return params.epochs
    return math.ceil(params.steps / math.ceil(len(data.split("train")) / params.batch_size))


def _ended(record: EpochRecord, on_epoch: Callable[[EpochRecord], None] | None, advance: Callable[..., None]) -> None:
    if on_epoch is not None:
        on_epoch(record)
    advance(1, note=_summary(record))


def resident(data: Dataset, device: torch.device) -> Dataset:
    """Return the data on the device if they fit with room for training; otherwise they are moved batch by batch."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if data.n_bytes > SHARE_FOR_DATA * free:
            return data.streamed_to(device)
    return data.to(device)


def _summary(record: EpochRecord) -> str:
    split = "validation" if "validation" in record.losses else "train"
    terms = "  ".join(f"{name} {value:.4g}" for name, value in record.losses[split].items())
    return f"{split} {terms}"


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Make an accelerator's results reproducible to the bit; a CPU's are anyway."""
    if device.type != "cuda":
        yield
        return
    # cuBLAS reads this on first use and is deterministic only with a fixed workspace.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
