"""A recipe that is ready to be trained: what is seen of its model before, and forgotten of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch

from vaehub.core.data.dataset import Dataset
from vaehub.core.errors import StoreError
from vaehub.core.model import LatentModel
from vaehub.core.recipe import Recipe
from vaehub.hub.answers import try_out
from vaehub.hub.operation_count import OperationCount
from vaehub.training.ensemble import EnsembleMember
from vaehub.training.threads import operations


@dataclass(frozen=True)
class TrainingJob:
    """A recipe that is ready to be trained.

    Attributes:
        recipe: What to train.
        model: Built, with nothing learned.
        data: With its part for validation set aside.
        snapshots: Recipes that differ in having fewer epochs, to be recorded on the way.
        untrained: A copy of the model, which gets the weights when they are recorded: what training leaves in a model
            besides, such as another layout in memory, is in no model that comes from the store. ``None`` if the model
            cannot be copied.
    """

    recipe: Recipe
    model: LatentModel
    data: Dataset
    snapshots: Sequence[Recipe] = ()
    untrained: LatentModel | None = None


def discard(member: EnsembleMember) -> None:
    """Forget the state of a training that has ended; where a failing disk keeps it, it is harmless."""
    if member.checkpoint is not None:
        with suppress(StoreError):
            member.checkpoint.discard()


@torch.no_grad()
def tried_out(model: LatentModel, data: Dataset, title: str) -> float:
    """Check a model's shapes on two observations, and return the operations that it takes to learn from one."""
    with OperationCount() as counted:
        n = try_out(model, data, title)
    n_weights = sum(weight.numel() for weight in model.parameters())
    return operations(counted.total / n, n_weights)
