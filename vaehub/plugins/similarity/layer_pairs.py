"""Representations of two models on the same observations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from vaehub import Dataset, LatentModel, Needs, PairMetric, Table, VaehubError
from vaehub.analysis import chosen_layers, representations
from vaehub.plugins.similarity.layers import layer_columns, warn_of_few
from vaehub.plugins.similarity.params import PairParams, VarianceSimilarityParams

WORDS = {"a": "first", "b": "second"}
P_co = TypeVar("P_co", bound=PairParams | VarianceSimilarityParams, covariant=True)


@dataclass(frozen=True)
class LayerPairs:
    """Layers of two models for the same observations, by name, on the CPU.

    Attributes:
        a: Layers of the first model, shape ``(n, …)`` each.
        b: Layers of the second.
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(next(iter(self.a.values())))

    def tables(self, values: dict[str, Tensor]) -> dict[str, Table]:
        """Return values of each pair of layers, and width and degeneracy of each layer.

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
                layer_columns([*self.a.values(), *self.b.values()]),
            ),
        }


class LayerMetric(PairMetric[P_co]):
    """A similarity of each layer of one model with each of another."""

    needs = Needs(observations=4)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers of both models; none for all."""
        return self.params.layers if isinstance(self.params, PairParams) else ("variance",)

    def check(self, a: LatentModel, b: LatentModel, data: Dataset) -> None:
        """Refuse layers that a model does not have."""
        some = self.draw_observations(data, 2).data
        for side, model in (("a", a), ("b", b)):
            with _named(side):
                chosen_layers(model, some, self.layers)

    def layer_pairs(self, a: LatentModel, b: LatentModel, data: Dataset) -> LayerPairs:
        """Return the layers of both models for the same observations.

        Raises:
            WorkFailed: If a model gives NaN or infinite values.
        """
        seen = self.draw_observations(data).data
        found = {}
        for side, model in (("a", a), ("b", b)):
            # With the same noise, latents that are nothing but noise would be similar in any two models.
            noise = self.generator("noise", side, device=model.device)
            with _named(side):
                found[side] = representations(model, seen, layers=self.layers, generator=noise)
        warn_of_few(found["b"] | found["a"])
        return LayerPairs(found["a"], found["b"])


@contextmanager
def _named(side: str) -> Iterator[None]:
    """Name the model in errors: the first or the second."""
    try:
        yield
    except VaehubError as error:
        raise type(error)(f"the {WORDS[side]} of two models: {error}") from error
