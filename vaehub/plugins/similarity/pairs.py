"""Two models on the same observations: what every metric here is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, Table, VaehubError, WorkFailed, layer_names, representations
from vaehub.plugins.similarity.centring import Centred
from vaehub.plugins.similarity.params import PairParams

FEW = 10
"""Observations for each value of a layer, below which its similarity may come of their small number (see docs)."""
WORDS = {"a": "first", "b": "second"}


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
            DataError: If the second model takes observations of another shape.
            VaehubError: If a layer is unknown.
            WorkFailed: If a model gives NaN or infinite values.
        """
        if b.spec.shape != data.spec.shape:
            raise DataError(
                f"two models are compared on the same observations: the first takes shape {data.spec.shape} and the "
                f"second {b.spec.shape}; compare models of one dataset"
            )
        part = data.part(params.part)
        rows = torch.randperm(len(part), generator=generator("rows"))[: params.n_samples].sort().values
        part = part.subset(rows)
        # With the same noise, latents that are nothing but noise would be alike in any two models.
        found = {
            side: _layers(side, model, part, params, generator("noise", side, device=model.device))
            for side, model in (("a", a), ("b", b))
        }
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
        every = [("a", name, x) for name, x in self.a.items()] + [("b", name, x) for name, x in self.b.items()]
        widths = [x[0].numel() for _, _, x in every]
        columns: dict[str, list[int] | list[bool]] = {
            "width": widths,
            "is_few": [self.n < FEW * width for width in widths],
            "is_constant": [not Centred.of(x).is_defined for _, _, x in every],
        }
        return {
            "similarity": Table(
                {"layer_a": [one for one, _ in pairs], "layer_b": [other for _, other in pairs]},
                {name: matrix.flatten() for name, matrix in values.items()},
            ),
            "layers": Table(
                {"model": [side for side, _, _ in every], "layer": [name for _, name, _ in every]}, columns
            ),
        }


def _layers(
    side: str, model: LatentModel, part: Dataset, params: PairParams, noise: torch.Generator
) -> dict[str, Tensor]:
    """Return layers of one model, all of them if none is named."""
    known = layer_names(model, part.first(2))
    wanted = tuple(dict.fromkeys(params.layers)) or known
    if unknown := [name for name in wanted if name not in known]:
        near = dict.fromkeys(each for name in unknown for each in get_close_matches(name, known, n=1))
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise VaehubError(
            f"the {WORDS[side]} model has no layer {', '.join(map(repr, unknown))}, it has {', '.join(known)}{hint}"
        )
    found = representations(model, part, layers=wanted, generator=noise)
    for name, x in found.items():
        if wrong := int((~x.flatten(1).isfinite()).any(dim=1).sum()):
            raise WorkFailed(
                f"the {WORDS[side]} model gives NaN or infinite values for {wrong} of {len(x)} observations in the "
                f"layer {name!r}; nothing can be said of it"
            )
    return found
