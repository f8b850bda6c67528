"""Width and degeneracy of layers, which bias their similarity."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from torch import Tensor

from vaehub.plugins.similarity.centring import Centred

log = logging.getLogger(__name__)

FEW = 10
"""Observations for each value of a layer, below which similarity may be an artefact of small sample size (see docs)."""


def warn_of_few(layers: Mapping[str, Tensor]) -> None:
    """Warn about layers whose similarity is inflated by their width: Bonheme 2023, Section 7.2.2."""
    if few := [name for name, x in layers.items() if _is_few(x)]:
        n = len(layers[few[0]])
        log.warning(
            f"{n} observations are fewer than {FEW} for each value of {', '.join(few)}: there Procrustes similarity is "
            "too high, CKA to a lesser degree, and debiased CKA not"
        )


def _is_few(x: Tensor) -> bool:
    return len(x) < FEW * x[0].numel()


def layer_columns(layers: Sequence[Tensor]) -> dict[str, list[int] | list[bool]]:
    """Return columns with a row for each layer, of shape ``(n, …)`` each."""
    return {
        "width": [x[0].numel() for x in layers],
        "is_few": [_is_few(x) for x in layers],
        "is_constant": [not Centred.of(x).is_defined for x in layers],
    }
