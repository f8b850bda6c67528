"""The one training loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from vaehub.core.data.dataset import Dataset
from vaehub.core.errors import VaehubError
from vaehub.core.model import LatentModel
from vaehub.core.progress import task
from vaehub.core.random import seeded_layers
from vaehub.core.recipe import TrainParams
from vaehub.training.loop import EpochRecord, Loop, TrainingState, frozen
from vaehub.training.precision import Precision

SHARE_FOR_DATA = 0.5
"""Of an accelerator's free memory, what data may take; the rest is for weights and activations."""


class Checkpoint(Protocol):
    """Somewhere to keep the state of a training that has not ended."""

    def load(self) -> TrainingState | None:
        """Return the last state kept, or ``None``."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to keep a state; asked after every epoch, for making one takes longer than some."""

    def save(self, state: TrainingState) -> None:
        """Keep a state, wholly or not at all; may decide that it is too early."""

    def discard(self) -> None:
        """Forget the state: the training has ended."""


@dataclass(frozen=True)
class Fitted:
    """What a training came to.

    Attributes:
        history: Of each epoch.
        notes: What a reader of the record must know of how it was carried out, a phrase each.
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

    The result depends on the model's first weights, the data, ``params`` and ``seed`` alone: a training that resumed
    from a checkpoint ends with the same bits as one that was never interrupted.

    Args:
        model: Built, on its device; left in evaluation mode with the weights that ``params.keep`` asks for.
        data: With a split ``train`` and, if there is to be a validation loss, ``validation``.
        params: How to train.
        seed: Decides the order of observations and all noise.
        checkpoint: Where to keep the state between epochs, and to resume from.
        on_epoch: Called after every epoch.
        snapshots: Called after so many epochs with a copy of the model, which is what a training of so many epochs
            would have ended with, and what it would have returned.
        label: What the progress shows.

    Raises:
        TrainingDiverged: If a loss becomes NaN or infinite; says which, and in what epoch.
    """
    with deterministic(model.device), task(label, params.epochs) as advance:
        arithmetic = Precision(model, params)
        loop = Loop(model, resident(data, model.device), params, seed)
        if checkpoint is not None and (state := checkpoint.load()) is not None:
            loop.restore(state)
            advance(loop.index, note="resumed")
        solved = params.epochs > 0 and loop.index == 0 and loop.solve()
        if solved:
            _ended(loop.history[0], on_epoch, advance)
        while not solved and loop.index < params.epochs:
            with seeded_layers(seed, "layers", loop.index, device=model.device):
                record = _run_epoch(loop, arithmetic)
            if checkpoint is not None and loop.index < params.epochs and checkpoint.is_due:
                checkpoint.save(loop.state())
            if snapshots is not None and loop.index in snapshots and loop.index < params.epochs:
                snapshots[loop.index](loop.snapshot(), Fitted(tuple(loop.history), tuple(arithmetic.notes)))
            _ended(record, on_epoch, advance)
        loop.finish()
    return Fitted(loop.history, arithmetic.notes)


def _run_epoch(loop: Loop, arithmetic: Precision) -> EpochRecord:
    epoch = loop.begin_epoch()
    with arithmetic.learning() as loss_of:
        for rows in epoch.batches:
            batch = arithmetic.laid_out(loop.train.batch(rows))
            with frozen(loop.standing_still):
                losses = loss_of(batch, loop.now(epoch))
                loop.optimiser.zero_grad(set_to_none=True)
                losses.total.backward()  # type: ignore[no-untyped-call]
            loop.step(batch, losses, epoch)
    return loop.end_epoch(epoch)


def _ended(record: EpochRecord, on_epoch: Callable[[EpochRecord], None] | None, advance: Callable[..., None]) -> None:
    if on_epoch is not None:
        on_epoch(record)
    advance(1, note=_summary(record))


def resident(data: Dataset, device: torch.device) -> Dataset:
    """Return data that lie on the device where they fit with room for learning, and else go there batch by batch."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if data.n_bytes > SHARE_FOR_DATA * free:
            return data.streamed_to(device)
    return data.to(device)


def resolve_device(name: str) -> torch.device:
    """Return the device of a name: ``auto`` takes an accelerator where there is one.

    Raises:
        VaehubError: If the device is unknown or not at hand.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise VaehubError(f"unknown device {name!r}; 'auto', 'cpu' and 'cuda' are known")
    if name == "cuda" and not torch.cuda.is_available():
        raise VaehubError("device 'cuda' was asked for, and PyTorch finds no CUDA device here; 'cpu' or 'auto' works")
    return torch.device(name)


def _summary(record: EpochRecord) -> str:
    part = "validation" if "validation" in record.losses else "train"
    terms = "  ".join(f"{name} {value:.4g}" for name, value in record.losses[part].items())
    return f"{part} {terms}"


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Make an accelerator give the same bits twice; a CPU does so anyway."""
    if device.type != "cuda":
        yield
        return
    # cuBLAS reads this when it is first used and is deterministic only with a fixed workspace.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
