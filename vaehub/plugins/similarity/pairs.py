"""Two models on the same observations: what every metric here is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, Table, VaehubError
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.layers import described, warn_of_few
from vaehub.plugins.similarity.params import PairParams

WORDS = {"a": "first", "b": "second"}


def check_pair(a: LatentModel, b: LatentModel, data: Dataset, params: PairParams) -> None:
    """Refuse models that do not take the same observations, or have not the layers.

    Raises:
        DataError: If the second model takes observations of another shape.
        VaehubError: If a layer is unknown.
    """
    if b.spec.shape != data.spec.shape:
        raise DataError(
            f"two models are compared on the same observations: the first takes shape {data.spec.shape} and the "
            f"second {b.spec.shape}; compare models of one dataset"
        )
    part = data.split(params.part)
    for side, model in (("a", a), ("b", b)):
        with _named(side):
            chosen_layers(model, part.first(2), params.layers)


@dataclass(frozen=True)
class Compared:
    """Layers of two models for the same observations, by name, on the CPU.

    Attributes:
        a: Those of the first model, shape ``(n, …)`` each.
        b: Those of the second.
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]

    @classmethod
    def drawn(
        cls,
        a: LatentModel,
        b: LatentModel,
        data: Dataset,
        params: PairParams,
        generator: Callable[..., torch.Generator],
    ) -> Self:
        """Return observations drawn without replacement, the same for both models, as their layers have them.

        Args:
            a: The first model.
            b: The second.
            data: The data of the first, which the second must be able to take.
            params: Which observations, and which layers.
            generator: Makes a source of randomness for a purpose.

        Raises:
            WorkFailed: If a model gives NaN or infinite values.
        """
        part = data.split(params.part)
        rows = part.draw_rows(params.n_samples, generator("rows"))
        part = part.subset(rows)
        # With the same noise, latents that are nothing but noise would be alike in any two models.
        found = {}
        for side, model in (("a", a), ("b", b)):
            noise = generator("noise", side, device=model.device)
            with _named(side):
                found[side] = representations(model, part, layers=params.layers, generator=noise)
        warn_of_few(found["b"] | found["a"])
        return cls(found["a"], found["b"])

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(next(iter(self.a.values())))

    def tables(self, values: dict[str, Tensor]) -> dict[str, Table]:
        """Return values of each two layers, and what is to be known of each layer before they are believed.

        Args:
            values: Named columns, shape ``(layers of a, layers of b)``.
        """
        pairs = [(one, other) for one in self.a for other in self.b]
        sides = [("a", name) for name in self.a] + [("b", name) for name in self.b]
        return {
            "similarity": Table(
                {"layer_a": [one for one, _ in pairs], "layer_b": [other for _, other in pairs]},
                {name: matrix.flatten() for name, matrix in values.items()},
            ),
            "layers": Table(
                {"model": [side for side, _ in sides], "layer": [name for _, name in sides]},
                described([*self.a.values(), *self.b.values()]),
            ),
        }


@contextmanager
def _named(side: str) -> Iterator[None]:
    """Say in a refusal which of the two models is meant."""
    try:
        yield
    except VaehubError as error:
        raise type(error)(f"the {WORDS[side]} of two models: {error}") from error
