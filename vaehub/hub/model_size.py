"""What a model takes of memory, known before it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from vaehub.core.errors import VaehubError
from vaehub.files.bounds import memory_at_hand

_MAKERS: frozenset[Callable[..., Any]] = frozenset(
    (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.eye)
)
"""Functions by which layers make their weights."""


class WithinMemory(TorchFunctionMode):
    """Refuses a tensor that would take the weights of a model beyond the memory at hand, before it is made.

    Used as a context around the construction of a model. What is made keeps its values.

    Args:
        title: The model, as the subject of a sentence.

    Raises:
        VaehubError: Inside the context, where a tensor does not fit.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._at_hand = memory_at_hand()
        self._n_bytes = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in _MAKERS and "out" not in given:
            more = _n_bytes(func, args, given)
            self._n_bytes += more or 0
            if more is None or self._n_bytes > self._at_hand:
                needed = f"more than {2**63:,}" if more is None else f"at least {self._n_bytes:,}"
                raise VaehubError(
                    f"{self._title} takes {needed} bytes for its weights, and {self._at_hand:,} are at hand; choose "
                    "fewer latents or a smaller network"
                )
        return func(*args, **given)


def _n_bytes(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """Return the bytes of a tensor that is not made; ``None`` if they are beyond 64 bits."""
    generic = {name: value for name, value in kwargs.items() if name not in ("generator", "pin_memory")}
    try:
        tensor = func(*args, **generic | {"device": "meta"})
    except RuntimeError as error:
        if "overflow" in str(error).lower():
            return None
        raise
    return int(tensor.numel() * tensor.element_size())
