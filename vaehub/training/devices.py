"""Where models compute: how devices are named, and which of them this machine has."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:  # a name is read without loading torch
    import torch

KNOWN = "'auto', 'cpu', 'mps', 'cuda', 'cuda:1' and, with a worker each, 'cuda:0,1' are known"

_DEV = Path("/dev")
_OF_DRIVERS = ("nvidia*", "nvmap", "nvhost*", "nvgpu*", "dxg", "kfd")
"""What drivers of devices that PyTorch calls CUDA lay there: of cards, of boards, in Windows' Linux, and AMD's."""


def device_names(asked: str) -> tuple[str, ...]:
    """Return the devices that a text names, such as ``cuda:0,1``, without looking whether they are there.

    Raises:
        VaehubError: If one is unknown or named twice, or kinds are mixed.
    """
    names: list[str] = []
    for part in map(str.strip, asked.split(",")):
        # A number alone goes on with those of the kind before it.
        name = f"cuda:{part}" if names and names[0].startswith("cuda") and part.isdecimal() else part
        name = "cuda:0" if name == "cuda" else name
        if not re.fullmatch(r"auto|cpu|mps|cuda:(0|[1-9][0-9]{0,2})", name):
            whole = "" if part == asked else f" in {asked!r}"
            raise VaehubError(f"unknown device {part!r}{whole}; {KNOWN}")
        if name in names:
            raise VaehubError(
                f"device {name!r} is named twice in {asked!r}; for several workers on one, 'study run' has '--jobs'"
            )
        names.append(name)
    if len({name.partition(":")[0] for name in names}) > 1:
        raise VaehubError(
            f"devices {asked!r} mix kinds, between which numbers differ; name those of one kind, such as 'cuda:0,1'"
        )
    return tuple(names)


def one_device_name(asked: str) -> str:
    """Return the one device that a text names, without looking whether it is there.

    Raises:
        VaehubError: If it is unknown, or there are several.
    """
    first, *others = device_names(asked)
    if others:
        raise VaehubError(
            f"one device computes here, and {asked!r} names {len(others) + 1}; 'study run' and 'suggest-dim' have a "
            "worker for each"
        )
    return first


def is_cpu_alone(asked: str) -> bool:
    """Return whether a text surely names the CPU, without loading torch: by its name, or as no CUDA device is there.

    ``False`` says nothing: a driver may be there, and no device.
    """
    names = device_names(asked)
    if names != ("auto",):
        return names == ("cpu",)
    if sys.platform == "darwin":
        return True
    return sys.platform == "linux" and not any(next(_DEV.glob(each), None) for each in _OF_DRIVERS)


def find_devices(asked: str) -> tuple[torch.device, ...]:
    """Return the devices that a text names; ``auto`` is the first CUDA device if there is one, else the CPU.

    Raises:
        VaehubError: If one is unknown, or is not there.
    """
    import torch

    names = device_names(asked)
    if names == ("auto",):
        return (torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu"),)
    found = tuple(map(torch.device, names))
    if found[0].type == "mps" and not torch.backends.mps.is_available():
        raise VaehubError(
            f"device {asked!r} was asked for, and PyTorch finds no MPS device here; 'cpu' or 'auto' works"
        )
    if found[0].type == "cuda":
        n = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not n:
            raise VaehubError(
                f"device {asked!r} was asked for, and PyTorch finds no CUDA device here; 'cpu' or 'auto' works"
            )
        if missing := [name for name, device in zip(names, found, strict=True) if device.index >= n]:
            there = "'cuda:0' alone" if n == 1 else f"'cuda:0' to 'cuda:{n - 1}'"
            raise VaehubError(f"device {missing[0]!r} was asked for, and there is {there}")
    return found
