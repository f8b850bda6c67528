"""Representations of two models on the same observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from vaehub import Dataset, LatentModel, PairMetric, SampleParams, Table, VaehubError
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.layer_properties import layer_properties, warn_if_undersampled

WORDS = {"a": "first", "b": "second"}


def check_layers(a: LatentModel, b: LatentModel, data: Dataset, layers: Sequence[str]) -> None:
    """Refuse layers that either model lacks.

    Raises:
        VaehubError: If so; names the model and lists its layers.
    """
    for side, model in (("a", a), ("b", b)):
        with _naming(side):
            chosen_layers(model, data.first(2), layers)


@dataclass(frozen=True)
class LayerPairs:
    """Representations of two models on the same observations, by layer, on the CPU.

    Attributes:
        a: Representations of the first model, shape ``(n, …)`` each.
        b: Representations of the second model.
        data: The observations.
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]
    data: Dataset

    @classmethod
    def of(
        cls, metric: PairMetric[SampleParams], a: LatentModel, b: LatentModel, data: Dataset, layers: Sequence[str]
    ) -> Self:
        """Return the representations of both models on observations that the metric draws.

        Args:
            metric: Draws observations and noise.
            a: The first model.
            b: The second model.
            data: The data of the first model.
            layers: Names of layers that both models have; all layers of each, if none are given.

        Raises:
            WorkFailed: If a model gives NaN or infinite values.
        """
        seen = metric.draw_observations(data).data
        found = {}
        for side, model in (("a", a), ("b", b)):
            # With common noise, the samples of passive latents would agree between any two models.
            noise = metric.generator("noise", side, device=model.device)
            with _naming(side):
                found[side] = representations(model, seen, layers=layers, generator=noise)
        warn_if_undersampled(found["b"] | found["a"])
        return cls(found["a"], found["b"], seen)

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(next(iter(self.a.values())))

    def tables(self, values: dict[str, Tensor]) -> dict[str, Table]:
        """Return a table of similarities by pair of layers, and one of the properties of each layer.

        Args:
            values: Columns of the first table by name, shape ``(layers of a, layers of b)`` each.
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
                layer_properties([*self.a.values(), *self.b.values()]),
            ),
        }


@contextmanager
def _naming(side: str) -> Iterator[None]:
    """Name the model in a refusal."""
    try:
        yield
    except VaehubError as error:
        raise type(error)(f"the {WORDS[side]} of two models: {error}") from error
