"""The one training loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from vaehub.core.data import Dataset
from vaehub.core.errors import TrainingDiverged, VaehubError
from vaehub.core.model import EVALUATION_BATCH, Epoch, LatentModel, Losses, Step
from vaehub.core.precision import layers_in
from vaehub.core.progress import task
from vaehub.core.random import generator, seeded_layers
from vaehub.core.recipe import TrainParams

STEPS_BETWEEN_CHECKS = 100
"""Steps after which losses are looked at for NaN; each look makes an accelerator wait."""

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch came to.

    Attributes:
        index: Counted from 0.
        learning_rate: Step size during the epoch.
        seconds: Duration, validation included.
        losses: Mean over the observations of each part (``train``, ``validation``): ``total`` and the named terms.
    """

    index: int
    learning_rate: float
    seconds: float
    losses: Mapping[str, Mapping[str, float]]


@dataclass
class TrainingState:
    """Where a training stands between two epochs: enough to go on as if it had never stopped.

    No state of a generator is needed, because every epoch derives its own from the seed and its number.

    Attributes:
        tensors: Weights, state of the optimiser, and best weights so far, by path.
        plain: Everything else, as JSON would hold it.
    """

    tensors: Weights = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)


class Checkpoint(Protocol):
    """Somewhere to keep the state of a training that has not ended."""

    def load(self) -> TrainingState | None:
        """Return the last state kept, or ``None``."""

    def save(self, state: TrainingState) -> None:
        """Keep a state, wholly or not at all; may decide that it is too early."""


def fit(
    model: LatentModel,
    data: Dataset,
    params: TrainParams,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    label: str = "training",
) -> list[EpochRecord]:
    """Train a model in place and return its history.

    The result depends on the model's first weights, the data, ``params`` and ``seed`` alone: a training that resumed
    from a checkpoint ends with the same bits as one that was never interrupted.

    Args:
        model: Built, on its device; left in evaluation mode with the weights that ``params.keep`` asks for.
        data: With a part ``train`` and, if there is to be a validation loss, ``validation``.
        params: How to train.
        seed: Decides the order of observations and all noise.
        checkpoint: Where to keep the state between epochs, and to resume from.
        on_epoch: Called after every epoch.
        label: What the progress shows.

    Raises:
        TrainingDiverged: If a loss becomes NaN or infinite; says which, and in what epoch.
    """
    with _deterministic(model.device), task(label, params.epochs) as advance:
        loop = _Loop(model, data.to(model.device), params, seed)
        if checkpoint is not None and (state := checkpoint.load()) is not None:
            loop.restore(state)
            advance(len(loop.history), note="resumed")
        while len(loop.history) < params.epochs:
            with seeded_layers(seed, "layers", len(loop.history), device=model.device):
                record = loop.run_epoch()
            if checkpoint is not None and len(loop.history) < params.epochs:
                checkpoint.save(loop.state())
            if on_epoch is not None:
                on_epoch(record)
            advance(1, note=_summary(record))
        loop.finish()
    return loop.history


class _Loop:
    """The moving parts of one training."""

    def __init__(self, model: LatentModel, data: Dataset, params: TrainParams, seed: int) -> None:
        self.model = model
        self.train = data.part("train")
        self.validation = data.part("validation") if "validation" in data.parts else None
        self.params = params
        self.seed = seed
        self.optimiser = torch.optim.Adam(model.parameters(), lr=params.learning_rate, fused=True)
        self.schedule = (
            None
            if params.lr_patience is None
            # Any improvement counts: a relative threshold would misjudge losses that are negative or hardly fall.
            else ReduceLROnPlateau(self.optimiser, factor=params.lr_factor, patience=params.lr_patience, threshold=0)
        )
        self.history: list[EpochRecord] = []
        self.steps = 0
        self.best: Weights = {}
        self.best_loss = math.inf

    def run_epoch(self) -> EpochRecord:
        started = time.perf_counter()
        index = len(self.history)
        rate = self.optimiser.param_groups[0]["lr"]
        noise = self._generator("epoch", index)
        self.model.eval()
        rows = self.model.epoch_started(Epoch(index, self.train, noise))
        self.model.train()
        with layers_in(getattr(torch, self.params.precision), self.model.network):
            losses = {"train": self._learn(rows, index, noise)}
        self.model.eval()
        if self.validation is not None:
            losses["validation"] = self._evaluate(self.validation, index)
        watched = losses.get("validation", losses["train"])["total"]
        if self.schedule is not None:
            self.schedule.step(watched)
        if self.params.keep == "best" and watched < self.best_loss:
            self.best_loss, self.best = watched, _copied(self.model.state_dict())
        record = EpochRecord(index, float(rate), time.perf_counter() - started, losses)
        self.history.append(record)
        return record

    def _learn(self, rows: Tensor | None, epoch: int, noise: torch.Generator) -> dict[str, float]:
        rows = torch.arange(len(self.train), device=self.model.device) if rows is None else rows
        order = torch.randperm(len(rows), generator=self._generator("order", epoch, device="cpu"))
        sums = _Sums(epoch, "train")
        for chosen in _batches(rows[order.to(rows.device)], self.params.batch_size):
            losses = self.model.loss(self.train.batch(chosen), Step(self.steps, epoch, noise))
            self.optimiser.zero_grad(set_to_none=True)
            losses.total.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.steps += 1
            sums.add(losses, len(chosen))
        means = sums.means()
        self._check_weights(epoch)
        return means

    @torch.no_grad()
    def _evaluate(self, data: Dataset, epoch: int) -> dict[str, float]:
        noise = self._generator("validation", epoch)
        sums = _Sums(epoch, "validation")
        for batch in data.batches(EVALUATION_BATCH):
            sums.add(self.model.loss(batch, Step(self.steps, epoch, noise)), len(batch))
        return sums.means()

    def _check_weights(self, epoch: int) -> None:
        if not all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()):
            raise TrainingDiverged(
                f"training diverged in epoch {epoch + 1}: a weight is NaN or infinite; "
                "a smaller 'train.learning_rate' may help",
                epoch=epoch,
            )

    def finish(self) -> None:
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        self.model.training_ended(Epoch(len(self.history), self.train, self._generator("end")))

    def state(self) -> TrainingState:
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        optimiser = self.optimiser.state_dict()
        for index, entries in optimiser["state"].items():
            tensors |= {f"optimiser/{index}/{name}": value for name, value in entries.items()}
        plain = {
            "steps": self.steps,
            "best_loss": self.best_loss,
            "history": [asdict(record) for record in self.history],
            "groups": optimiser["param_groups"],
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
        }
        return TrainingState(tensors, plain)

    def restore(self, state: TrainingState) -> None:
        self.model.load_state_dict(_below("model/", state.tensors))
        self.best = _below("best/", state.tensors)
        entries: dict[int, Weights] = {}
        for path, value in _below("optimiser/", state.tensors).items():
            index, name = path.split("/")
            entries.setdefault(int(index), {})[name] = value
        self.optimiser.load_state_dict({"state": entries, "param_groups": state.plain["groups"]})
        if self.schedule is not None:
            self.schedule.load_state_dict(state.plain["schedule"])
        self.steps = state.plain["steps"]
        self.best_loss = state.plain["best_loss"]
        self.history = [EpochRecord(**record) for record in state.plain["history"]]

    def _generator(self, *purpose: str | int, device: torch.device | str | None = None) -> torch.Generator:
        return generator(self.seed, "training", *purpose, device=device or self.model.device)


class _Sums:
    """Running sums of losses over one pass, kept on the device."""

    def __init__(self, epoch: int, part: str) -> None:
        self.epoch = epoch
        self.part = part
        self.names: list[str] = []
        self.sums: Tensor | None = None
        self.n = 0
        self.calls = 0

    def add(self, losses: Losses, n: int) -> None:
        self.names = ["total", *losses.parts]
        values = torch.stack([losses.total.detach(), *(part.detach() for part in losses.parts.values())])
        # A loss that a plugin hands back in half precision is still summed in double.
        weighted = values.double() * n
        self.sums = weighted if self.sums is None else self.sums + weighted
        self.n += n
        self.calls += 1
        if self.calls % STEPS_BETWEEN_CHECKS == 0:
            self.means()

    def means(self) -> dict[str, float]:
        assert self.sums is not None, "a pass has at least one batch"
        means = dict(zip(self.names, (self.sums / self.n).tolist(), strict=True))
        wrong = [f"{name} is {value}" for name, value in means.items() if not math.isfinite(value)]
        if wrong:
            raise TrainingDiverged(
                f"training diverged in epoch {self.epoch + 1}: {', '.join(wrong)} on the {self.part} part; "
                "a smaller 'train.learning_rate' may help",
                epoch=self.epoch,
            )
        return means


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


def _batches(rows: Tensor, size: int) -> Iterator[Tensor]:
    chunks = list(torch.split(rows, size))
    if size > 1 and len(chunks) > 1 and len(chunks[-1]) == 1:
        # Batch normalisation has no variance of a single observation, so it joins the batch before.
        chunks[-2:] = [torch.cat(chunks[-2:])]
    yield from chunks


def _copied(weights: Mapping[str, Tensor]) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> Weights:
    return {path.removeprefix(prefix): value for path, value in tensors.items() if path.startswith(prefix)}


def _summary(record: EpochRecord) -> str:
    part = "validation" if "validation" in record.losses else "train"
    terms = "  ".join(f"{name} {value:.4g}" for name, value in record.losses[part].items())
    return f"{part} {terms}"


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
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
