"""What the submodules of a module give while it runs, copied as they give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vaehub.analysis.jacobians import uncompiled

BATCH_SECOND = (nn.RNNBase, nn.MultiheadAttention)
"""Modules that may have steps on their first axis and observations on their second; they say so."""


class Call(NamedTuple):
    """One call of a module.

    Attributes:
        name: Of the module, as a path of attributes.
        module: The module.
        output: The tensor that it gave, whatever has been written to it since.
        values: A copy of it as it was given, observations first.
        has_weights: Whether the module itself, or one inside that is not called by itself, has matrices of weights.
    """

    name: str
    module: nn.Module
    output: Tensor
    values: Tensor
    has_weights: bool


@contextmanager
def watching(module: nn.Module) -> Iterator[list[Call]]:
    """Collect the calls of a module's submodules, in the order in which they end, as long as the context lasts.

    Watched are modules without submodules, and those that compute without calling their submodules, such as attention.
    Compiled modules run as they are written, since their programs call no hooks; so do the fused transformer layers.
    """
    calls: list[Call] = []
    begun: list[int] = []
    names = {each: name.replace("_orig_mod.", "").removesuffix("_orig_mod") for name, each in module.named_modules()}

    def enter(_: nn.Module, __: Any) -> None:
        begun.append(len(calls))

    def leave(inner: nn.Module, _: Any, given: Any) -> None:
        # A module whose submodules were called is their sum; what it adds has no name.
        is_alone = begun.pop() == len(calls)
        output = _first_tensor(given)
        if not is_alone or output is None:
            return
        has_children = any(True for _ in inner.children())
        if has_children and (not _has_matrices(inner, recurse=True) or any(map(program_kind, inner.modules()))):
            return
        copied = output.detach().clone()
        if isinstance(inner, BATCH_SECOND) and not inner.batch_first and copied.ndim == 3:
            copied = copied.transpose(0, 1)
        calls.append(Call(names[inner], inner, output, copied, _has_matrices(inner, recurse=has_children)))

    with ExitStack() as hooks:
        hooks.enter_context(uncompiled())
        hooks.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        for inner in names:
            if program_kind(inner) is None:
                hooks.callback(inner.register_forward_pre_hook(enter).remove)
                hooks.callback(inner.register_forward_hook(leave).remove)
        yield calls


def program_kind(module: nn.Module) -> str | None:
    """Return the name of the format, if a module is a program whose submodules are not called when it runs."""
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript"
    if isinstance(module, torch.fx.GraphModule):
        # A graph made by tracing calls its submodules; an exported one calls at most a check of its input.
        called = [module.get_submodule(str(node.target)) for node in module.graph.nodes if node.op == "call_module"]
        if not any(_has_matrices(each, recurse=True) for each in called):
            return "torch.export"
    return None


def _has_matrices(module: nn.Module, *, recurse: bool) -> bool:
    return any(weight.ndim >= 2 for weight in module.parameters(recurse=recurse))


def _first_tensor(given: Any) -> Tensor | None:  # whatever a user's module gives
    if isinstance(given, Tensor):
        return given
    if isinstance(given, Mapping):
        items = list(given.values())
    elif isinstance(given, tuple | list):
        items = list(given)
    elif is_dataclass(given):
        items = [getattr(given, each.name) for each in fields(given)]
    else:
        return None
    return next((found for item in items if (found := _first_tensor(item)) is not None), None)
