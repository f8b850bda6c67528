"""Parts of PyTorch without its compiler, which they import to keep themselves from being compiled.

That takes a second of every command that trains or differentiates forward. As long as nobody else has imported it,
nothing is compiled, so that there is nothing to keep from it; as soon as somebody has, all is as PyTorch has it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch.optim import Optimizer

_COMPILER = "torch._dynamo"
_DISABLED = "__dynamo_disable"
"""Where PyTorch keeps, at a function, what it calls in its place."""
_METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""Of optimisers, which the compiler is kept from."""


def spare_compiler_of_optimisers() -> None:
    """Have optimisers that are made and used from now on import no compiler."""
    _spare(getattr(Optimizer, name) for name in _METHODS)


def spare_compiler_of_derivatives() -> None:
    """Have formulas of forward-mode derivatives that are used from now on import no compiler."""
    if _COMPILER not in sys.modules:
        from torch._decomp import decomposition_table

        _spare(decomposition_table.values())


def _spare(functions: Iterable[Callable[..., Any]]) -> None:
    # All functions that the compiler is kept from are one closure.
    code = getattr(Optimizer.zero_grad, "__code__", None)
    for function in functions:
        while (plain := getattr(function, "__wrapped__", None)) is not None:
            if getattr(function, "__code__", None) is code and not hasattr(plain, _DISABLED):
                setattr(plain, _DISABLED, partial(_called, plain))
            function = plain


def _called(plain: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if _COMPILER not in sys.modules:
        return plain(*args, **kwargs)
    if hasattr(plain, _DISABLED):
        delattr(plain, _DISABLED)
    return torch._disable_dynamo(plain)(*args, **kwargs)  # type: ignore[attr-defined]


def step_of(optimiser: Optimizer) -> Callable[[], object]:
    """Return the step of an optimiser: of PyTorch's own, without the import of the compiler."""
    kind = type(optimiser)
    is_own = kind.__module__.startswith("torch.optim.") and "step" not in vars(optimiser)
    if _COMPILER in sys.modules or not is_own or optimiser.defaults.get("differentiable"):
        return optimiser.step
    plain = torch.no_grad()(inspect.unwrap(kind.step))
    return partial(Optimizer.profile_hook_step(plain), optimiser)
