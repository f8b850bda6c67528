"""Properties of layers that limit how far their similarity can be trusted."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from torch import Tensor

from vaehub.plugins.similarity.centring import Centred

log = logging.getLogger(__name__)

FEW = 10
"""Observations per value of a layer below which similarity may be an artefact of small sample size (see docs)."""


def warn_if_undersampled(layers: Mapping[str, Tensor]) -> None:
    """Warn about layers whose similarity is inflated by their width: Bonheme 2023, Section 7.2.2."""
    if few := [name for name, x in layers.items() if _is_few(x)]:
        n = len(layers[few[0]])
        log.warning(
            f"{n} observations are fewer than {FEW} for each value of {', '.join(few)}: there Procrustes similarity is "
            "too high, CKA less so, and debiased CKA not at all"
        )


def _is_few(x: Tensor) -> bool:
    return len(x) < FEW * x[0].numel()


def layer_properties(layers: Sequence[Tensor]) -> dict[str, list[int] | list[bool]]:
    """Return columns with a row for each representation, shape ``(n, …)`` each."""
    return {
        "width": [x[0].numel() for x in layers],
        "is_few": [_is_few(x) for x in layers],
        "is_constant": [not Centred.of(x).is_defined for x in layers],
    }
