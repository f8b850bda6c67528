"""Explicit randomness: every stream of random numbers is named and derived from one seed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vaehub.core.identity import canonical_json


def derived_seed(seed: int, *purpose: str | int) -> int:
    """Return the seed of the stream for a purpose, in [0, 2^63).

    Streams of different purposes are independent, so that drawing more numbers for one never changes another.
    """
    digest = hashlib.blake2b(canonical_json([seed, *purpose]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator for a purpose, such as ``generator(0, "epoch", 3)``."""
    return torch.Generator(device=device).manual_seed(derived_seed(seed, *purpose))


@contextmanager
def seeded_layers(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Make the draws of PyTorch's layers inside the context reproducible, and restore the global generators afterwards.

    Layers draw their initial weights, and dropout its masks, from the global generator of a device and accept no other,
    so it is seeded inside the context and restored afterwards.
    """
    place = torch.device(device)
    accelerators, kind = ([], "cuda") if place.type == "cpu" else ([place], place.type)
    with torch.random.fork_rng(devices=accelerators, device_type=kind):
        torch.manual_seed(derived_seed(seed, *purpose))
        yield


@contextmanager
def seeded_construction(seed: int) -> Iterator[None]:
    """Give modules built inside the context reproducible weights, the same for every device if built on the CPU."""
    with seeded_layers(seed, "initialisation"):
        yield


_sources: list[torch.Generator] = []
"""Generators that compiled programs draw from; the last one is in use."""


@contextmanager
def compiled_draws_from(generator: torch.Generator) -> Iterator[None]:
    """Let compiled programs draw their noise from a generator inside the context."""
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


def gaussian_sample(mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
    """Return one reparameterised draw from N(mu, exp(logvar)) for each row, shape of ``mu``."""
    return torch.addcmul(mu, standard_normal(mu, generator), (0.5 * logvar).exp())


def _draw(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


@torch.library.custom_op("vaehub::standard_normal", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,))
def _compiled_draw(like: Tensor) -> Tensor:
    # An operation opaque to the compiler: the tag keeps it from being merged with identical ones.
    return _draw(like, _sources[-1])


@_compiled_draw.register_fake
def _(like: Tensor) -> Tensor:
    return torch.empty_like(like)
