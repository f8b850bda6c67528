"""What is to be known of layers before their similarity is believed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from torch import Tensor

from vaehub.plugins.similarity.centring import Centred

log = logging.getLogger(__name__)

FEW = 10
"""Observations for each value of a layer, below which its similarity may come of their small number (see docs)."""


def warn_of_few(layers: Mapping[str, Tensor]) -> None:
    """Say of which layers similarity comes of their width, and by which measure most: Bonheme 2023, Section 7.2.2."""
    if few := [name for name, x in layers.items() if _is_few(x)]:
        n = len(layers[few[0]])
        log.warning(
            f"{n} observations are fewer than {FEW} for each value of {', '.join(few)}: there Procrustes similarity is "
            "too high, CKA to a lesser degree, and debiased CKA not"
        )


def _is_few(x: Tensor) -> bool:
    return len(x) < FEW * x[0].numel()


def described(layers: Sequence[Tensor]) -> dict[str, list[int] | list[bool]]:
    """Return columns with a row for each layer, of shape ``(n, …)`` each."""
    return {
        "width": [x[0].numel() for x in layers],
        "is_few": [_is_few(x) for x in layers],
        "is_constant": [not Centred.of(x).is_defined for x in layers],
    }
