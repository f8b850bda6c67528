"""Explicit randomness: every stream of random numbers is named and derived from one seed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vaehub.core.identity import canonical_json


def derived_seed(seed: int, *purpose: str | int) -> int:
    """Return the seed of the stream that serves a purpose, in [0, 2^63).

    Streams of different purposes are independent, so that drawing more numbers for one never changes another.
    """
    digest = hashlib.blake2b(canonical_json([seed, *purpose]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator for a purpose, such as ``generator(0, "epoch", 3)``."""
    return torch.Generator(device=device).manual_seed(derived_seed(seed, *purpose))


@contextmanager
def seeded_construction(seed: int) -> Iterator[None]:
    """Give modules built inside reproducible weights, and leave the global generator as it was.

    PyTorch's layers draw their first weights from the global generator and cannot be handed another one, so it is
    seeded for the construction and put back afterwards. Modules are always built on the CPU, so that the weights are
    the same for every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, "initialisation"))
        yield
