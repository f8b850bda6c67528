"""Gaussian noise from explicit generators, also inside of compiled programs, which cannot hold a generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_sources: list[torch.Generator] = []
"""Generators that compiled programs draw from; the last one counts."""


@contextmanager
def compiled_draws_from(generator: torch.Generator) -> Iterator[None]:
    """Let compiled programs draw their noise from a generator, as long as the context lasts."""
    _sources.append(generator)
    try:
        yield
    finally:
        _sources.pop()


def standard_normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return standard normal noise in the shape of a tensor, the same numbers whether compiled or not."""
    if torch.compiler.is_compiling():
        drawn: Tensor = _compiled_draw(like.detach())
        return drawn
    return _draw(like, generator)


def _draw(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


@torch.library.custom_op("vaehub::standard_normal", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,))
def _compiled_draw(like: Tensor) -> Tensor:
    # A step of the program, opaque to the compiler: the tag keeps it from being merged with its like.
    return _draw(like, _sources[-1])


@_compiled_draw.register_fake
def _(like: Tensor) -> Tensor:
    return torch.empty_like(like)
