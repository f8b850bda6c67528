"""Ensembles: several seeds of one recipe, trained as one batched program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.overrides import TorchFunctionMode

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.errors import TrainingDiverged, first_line
from vaehub.core.model import LatentModel, Losses, Step
from vaehub.core.params import parse
from vaehub.core.progress import task
from vaehub.core.recipe import TrainParams
from vaehub.training.fit import Checkpoint, Fitted, deterministic, resident
from vaehub.training.loop import EpochRecord, Loop, OpenEpoch
from vaehub.training.precision import Precision

PLAIN = {"channels_last": False, "compile": False}
"""Parameters that have no effect in a batched program."""

Draw = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True)
class EnsembleMember:
    """One training of an ensemble; the attributes are the arguments of :func:`vaehub.training.fit.fit`."""

    model: LatentModel
    data: Dataset
    seed: int
    checkpoint: Checkpoint | None = None
    on_epoch: Callable[[EpochRecord], None] | None = None
    snapshots: Mapping[int, Callable[[LatentModel, Fitted], None]] = field(default_factory=dict)


class CannotBeBatched(Exception):  # noqa: N818 not a user error
    """These models must be trained one by one; the message says why."""


def fit_together(
    members: Sequence[EnsembleMember], params: TrainParams, *, label: str = "training"
) -> list[Fitted | TrainingDiverged]:
    """Train models that differ only in their seeds as one batched program, each as if trained alone, up to rounding.

    Args:
        members: The models with their data and seeds; the splits of all data have the same sizes.
        params: How to train.
        label: Label of the progress.

    Returns:
        The result of each training, or its failure; a failure does not stop the others.

    Raises:
        CannotBeBatched: If the models must be trained one by one; nothing has been done.
    """
    device = members[0].model.device
    loops = [Loop(each.model, resident(each.data, device), params, each.seed) for each in members]
    _resume(loops, members)
    skeleton = copy.deepcopy(members[0].model)
    precision = Precision(skeleton, parse(TrainParams, params.model_dump() | PLAIN, owner="training"))
    ensemble = Ensemble(loops, skeleton, precision)
    notes = [f"trained together with seeds {', '.join(str(each.seed) for each in members)}"]
    notes += [
        f"'train.{name}' has no effect when seeds are trained together" for name in PLAIN if getattr(params, name)
    ]
    failures: list[TrainingDiverged | None] = [None] * len(members)
    with deterministic(device), task(label, params.epochs) as advance:
        advance(loops[0].index)
        solved = [params.epochs > 0 and loop.index == 0 and loop.solve() for loop in loops]
        while not all(solved) and loops[0].index < params.epochs and not all(failures):
            epochs = [loop.begin_epoch() for loop in loops]
            diverged = ensemble.learn(epochs)
            for index, (loop, epoch, member) in enumerate(zip(loops, epochs, members, strict=True)):
                failures[index] = failures[index] or diverged[index] or _end_epoch(loop, epoch, member, notes, params)
            advance(1)
        for loop, failure in zip(loops, failures, strict=True):
            if failure is None:
                loop.finish()
    return [failure or Fitted(loop.history, notes) for loop, failure in zip(loops, failures, strict=True)]


def _resume(loops: Sequence[Loop], members: Sequence[EnsembleMember]) -> None:
    states = [None if each.checkpoint is None else each.checkpoint.load() for each in members]
    found = [state for state in states if state is not None]
    # If killed between two files, the trainings may stand at different epochs; then all start again.
    if len(found) == len(loops) and len({len(state.plain["history"]) for state in found}) == 1:
        for loop, state in zip(loops, found, strict=True):
            loop.restore(state)


def _end_epoch(
    loop: Loop, epoch: OpenEpoch, member: EnsembleMember, notes: Sequence[str], params: TrainParams
) -> TrainingDiverged | None:
    try:
        record = loop.end_epoch(epoch)
    except TrainingDiverged as error:
        return error
    if loop.index < params.epochs:
        if member.checkpoint is not None and member.checkpoint.is_due:
            member.checkpoint.save(loop.state())
        if loop.index in member.snapshots:
            member.snapshots[loop.index](loop.snapshot(), Fitted(tuple(loop.history), notes))
    if member.on_epoch is not None:
        member.on_epoch(record)
    return None


class Ensemble:
    """Models of one kind whose losses and gradients are computed at once, while each keeps its own loop.

    Weights and buffers of all models are stacked, and each model's own become views of the stacks, so that whatever
    a loop does to its model needs no copy. Noise is drawn from each loop's own generator, so that results equal those
    of separate trainings, up to the rounding of batched products.

    Args:
        loops: Loops of models that differ only in their seeds, on the same device.
        skeleton: A copy of one of the models, which defines how a loss is computed; its weights are never used.
        precision: Precision of the copy.

    Raises:
        CannotBeBatched: If the objective draws its noise or branches in ways that cannot be batched.
    """

    def __init__(self, loops: Sequence[Loop], skeleton: LatentModel, precision: Precision) -> None:
        if any(loop.params.steps is not None for loop in loops):
            raise CannotBeBatched("'train.steps' may end within an epoch")
        if any(loop.params.until == "stable" for loop in loops):
            raise CannotBeBatched("each seed ends by itself with 'train.until=stable'")
        if any(loop.adversaries for loop in loops):
            raise CannotBeBatched("some of its weights have an optimiser of their own")
        self._loops = loops
        self._skeleton = _Objective(skeleton)
        self._precision = precision
        self._draws: dict[int, list[Draw]] = {}
        self._try_out()
        self._weights, self._buffers = stack_module_state([_Objective(loop.model) for loop in loops])
        for index, loop in enumerate(loops):
            _share(_Objective(loop.model), index, {**self._weights, **self._buffers})

    def learn(self, epochs: Sequence[OpenEpoch]) -> list[TrainingDiverged | None]:
        """Take all steps of an epoch, and return the failure of each model, or None."""
        failures: list[TrainingDiverged | None] = [None] * len(self._loops)
        with self._precision.learning():
            for chosen in zip(*(epoch.batches for epoch in epochs), strict=True):
                batches = [loop.train.batch(rows) for loop, rows in zip(self._loops, chosen, strict=True)]
                found = self._losses(batches, epochs)
                for index, (loop, epoch) in enumerate(zip(self._loops, epochs, strict=True)):
                    if failures[index] is not None:
                        continue
                    try:
                        loop.step(batches[index], found[index], epoch)
                    except TrainingDiverged as error:
                        failures[index] = error
        return failures

    def _losses(self, batches: Sequence[Batch], epochs: Sequence[OpenEpoch]) -> list[Losses]:
        draws = [torch.stack([draw(epoch.noise) for epoch in epochs]) for draw in self._draws_of(batches[0])]
        step = self._loops[0].now(epochs[0])
        totals, terms, omitted = self._batched(self._weights, self._buffers, _stacked(batches), draws, step)
        totals.sum().backward()  # type: ignore[no-untyped-call]
        for index, loop in enumerate(self._loops):
            for name, weight in _Objective(loop.model).named_parameters():
                gradient = self._weights[name].grad
                weight.grad = None if gradient is None else gradient[index]
        for weight in self._weights.values():
            weight.grad = None
        each = range(len(self._loops))
        return [Losses(totals[i], {name: term[i] for name, term in terms.items()}, omitted) for i in each]

    def _batched(
        self,
        weights: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        batch: Mapping[str, Tensor],
        draws: Sequence[Tensor],
        step: Step,
    ) -> tuple[Tensor, dict[str, Tensor], float]:
        omitted = 0.0

        def one(
            weights: Mapping[str, Tensor],
            buffers: Mapping[str, Tensor],
            batch: Mapping[str, Tensor],
            draws: Sequence[Tensor],
        ) -> tuple[Tensor, dict[str, Tensor]]:
            nonlocal omitted
            with _Replaying(step.generator, draws):
                losses = functional_call(self._skeleton, (dict(weights), dict(buffers)), (Batch(**batch), step))
            omitted = losses.omitted
            return losses.total, dict(losses.terms)

        totals, terms = vmap(one)(weights, buffers, batch, draws)
        return totals, terms, omitted

    def _draws_of(self, batch: Batch) -> list[Draw]:
        """Return the draws of noise in the loss of a batch of this size, in order."""
        if len(batch) not in self._draws:
            scratch = torch.Generator(device=batch.x.device)
            recorder = _Recording(scratch)
            model = copy.deepcopy(self._skeleton).train()
            with recorder, torch.no_grad():
                model(batch, Step(0, 0, scratch))
            self._draws[len(batch)] = recorder.draws
        return self._draws[len(batch)]

    def _try_out(self) -> None:
        models = [_Objective(copy.deepcopy(loop.model)) for loop in self._loops[:2]]
        weights, buffers = stack_module_state(models)
        batch = self._loops[0].train.batch(slice(0, 2))
        scratch = torch.Generator(device=batch.x.device)
        self._skeleton.train()
        try:
            draws = [torch.stack([draw(scratch) for _ in models]) for draw in self._draws_of(batch)]
            step = Step(0, 0, scratch)
            with self._precision.learning():
                self._batched(weights, buffers, _stacked([batch] * len(models)), draws, step)
        # Third-party objectives are transformed here, which can raise any exception.
        except Exception as error:
            raise CannotBeBatched(first_line(error)) from error


class _Objective(nn.Module):
    """A module that returns a model's loss when called."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, step: Step) -> Losses:
        return self.model.loss(batch, step)


class _Recording(TorchFunctionMode):
    """Records every draw from a generator."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator
        self.draws: list[Draw] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("generator") is self._generator:
            self.draws.append(lambda generator: func(*args, **{**kwargs, "generator": generator}))
        return func(*args, **kwargs)


class _Replaying(TorchFunctionMode):
    """Replays recorded draws, in order."""

    def __init__(self, generator: torch.Generator, draws: Sequence[Tensor]) -> None:
        super().__init__()
        self._generator = generator
        self._left = iter(draws)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("generator") is self._generator:
            return next(self._left)
        return func(*args, **kwargs)


def _stacked(batches: Sequence[Batch]) -> dict[str, Tensor]:
    names = [name for name in ("x", "labels", "factors") if getattr(batches[0], name) is not None]
    return {name: torch.stack([getattr(batch, name) for batch in batches]) for name in names}


@torch.no_grad()
def _share(model: nn.Module, index: int, stacks: Mapping[str, Tensor]) -> None:
    """Make a model's weights and buffers views of its place in the stacks."""
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        value.data = stacks[name].data[index]
