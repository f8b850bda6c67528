"""Recipes: everything that determines the weights of a model, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vaehub.core.identity import Json, identity
from vaehub.core.params import AddedLater, Params, parse

TRAINING_REVISION = 1
"""Raised when the training loop can give different weights for the same recipe."""


class TrainParams(Params):
    """How a model is trained: Adam on mini-batches."""

    epochs: int = Field(
        100, ge=0, le=1_000_000_000, description="passes over the training split; 0 keeps the initial weights"
    )
    batch_size: int = Field(64, gt=0, description="observations per step")
    learning_rate: float = Field(1e-3, gt=0, description="step size of Adam")
    validation: float = Field(
        0.1, ge=0, lt=1, description="share of the training split for validation, unless the data have such a split"
    )
    lr_patience: int | None = Field(
        None, ge=0, description="epochs without improvement before the learning rate falls; none keeps it"
    )
    lr_factor: float = Field(0.5, gt=0, lt=1, description="factor applied to the learning rate when it falls")
    keep: Literal["last", "best"] = Field(
        "last", description="weights kept: of the last epoch, or of the lowest validation (else training) loss"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="precision of the network's layers during training; all else stays float32"
    )
    channels_last: bool = Field(False, description="images and kernels laid out with channels innermost")
    compile: bool = Field(False, description="loss compiled by torch.compile, which takes a while at the start")
    together: bool = Field(False, description="all seeds of a request trained in one batched program")
    until: Annotated[Literal["epochs", "stable"], AddedLater()] = Field(
        "epochs",
        description="when training ends: after all epochs, or, at the latest then, once the number of latents that the "
        "model finds has converged",
    )
    steps: Annotated[int | None, AddedLater()] = Field(
        None,
        gt=0,
        le=1_000_000_000,
        description="steps after which training ends, within an epoch if need be, instead of epochs, which are 0 then",
    )

    @model_validator(mode="before")
    @classmethod
    def _steps_or_epochs(cls, values: object) -> object:
        if not isinstance(values, Mapping) or values.get("steps") is None:
            return values
        if str(values.get("epochs", 0)) != "0":
            raise ValueError(
                f"'steps' is {values['steps']} and 'epochs' is {values['epochs']}, and a training has one length; give "
                "either, or 'epochs' as 0"
            )
        return {**values, "epochs": 0}

    @property
    def length(self) -> int:
        """Steps where they are given, else epochs."""
        return self.epochs if self.steps is None else self.steps


@dataclass(frozen=True)
class Component:
    """One catalog entry with its parameters.

    Attributes:
        name: As in the catalog.
        distribution: Installed package that contributes it.
        revision: Raised by its author when the same input can give a different number.
        params: Validated parameters.
    """

    name: str
    distribution: str
    revision: int
    params: Params

    @property
    def shown(self) -> str:
        """Name in results."""
        return self.params.name_in_results() or self.name

    def identity(self) -> dict[str, Json]:
        """Return what distinguishes this component from others; its entry only where results have another name."""
        found: dict[str, Json] = {
            "name": self.shown,
            "distribution": self.distribution,
            "revision": self.revision,
            "params": self.params.identity(),
        }
        return found if self.shown == self.name else found | {"entry": self.name}

    def record(self) -> dict[str, Json]:
        """Return what a store keeps: the identity, and where its files were."""
        where = self.params.incidental()
        return self.identity() | ({"incidental": where} if where else {})


@dataclass(frozen=True)
class Recipe:
    """A model on a network on a dataset, how it is trained, and one seed."""

    model: Component
    network: Component
    dataset: Component
    train: TrainParams
    seed: int

    def identity(self) -> dict[str, Json]:
        """Return everything that determines the weights, as plain values."""
        return {
            "model": self.model.identity(),
            "network": self.network.identity(),
            "dataset": self.dataset.identity(),
            "train": {"revision": TRAINING_REVISION, "params": self.train.identity()},
            "seed": self.seed,
        }

    @cached_property
    def id(self) -> str:
        """The identity as 24 hexadecimal digits."""
        return identity(self.identity())

    def record(self) -> dict[str, Json]:
        """Return what a store keeps to rebuild the recipe."""
        parts = {"model": self.model, "network": self.network, "dataset": self.dataset}
        return self.identity() | {name: part.record() for name, part in parts.items()}

    def vary(
        self,
        *,
        seed: int | None = None,
        model: Mapping[str, object] | None = None,
        network: Mapping[str, object] | None = None,
        train: Mapping[str, object] | None = None,
    ) -> Recipe:
        """Return a recipe that differs in the given parameters, such as ``vary(model={"latent_dim": 8})``.

        Raises:
            VaehubError: If a parameter is unknown or out of range.
        """
        return replace(
            self,
            seed=self.seed if seed is None else seed,
            model=_varied(self.model, model, "model"),
            network=_varied(self.network, network, "network"),
            train=parse(TrainParams, self.train.model_dump() | dict(train or {}), owner="training"),
        )


def _varied(component: Component, changes: Mapping[str, object] | None, kind: str) -> Component:
    if not changes:
        return component
    values = component.params.model_dump() | dict(changes)
    owner = f"{kind} {component.name!r}"
    return replace(component, params=parse(type(component.params), values, owner=owner))
