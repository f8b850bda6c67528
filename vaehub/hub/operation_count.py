"""Floating-point operations of what runs in a context, without importing PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class OperationCount(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations of products of matrices, convolutions and attention, as PyTorch's ``FlopCounterMode`` does.

    That one imports the compiler, which takes a second, to keep itself from being compiled. Nothing is compiled here:
    models that were given to ``torch.compile`` are counted as they are called.

    Attributes:
        total: Operations so far.
    """

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return func(*args, **named)
        if func is not torch.ops.prim.device.default:
            # What is made of other operations is counted by these.
            with self:
                found = func.decompose(*args, **named)
            if found is not NotImplemented:
                return found
        found = func(*args, **named)
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **named, out_val=found)
        return found
