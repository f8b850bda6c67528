"""A user's own module, by import path, and its weights. Nothing is unpickled."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vaehub import VaehubError, first_line


def imported(path: str) -> nn.Module:
    """Return the module that an import path names, made if it is a class or a function.

    Raises:
        VaehubError: If there is none.
    """
    package, colon, name = path.partition(":")
    if not (package and colon and name):
        raise VaehubError(f"{path!r} is no import path; write package.module:name")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(package)
        for part in name.split("."):
            found = getattr(found, part)
        if not isinstance(found, nn.Module) and callable(found):
            found = found()
    # A user's code runs here.
    except Exception as error:
        raise VaehubError(f"{path!r} cannot be had: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(here)
    if not isinstance(found, nn.Module):
        raise VaehubError(f"{path!r} gives a {type(found).__name__}; a torch module is needed")
    return found


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights into a module.

    Raises:
        VaehubError: If the file cannot be read, or its names or shapes are not those of the module.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict(weights)
    # The readers fail in more ways than can be named.
    except Exception as error:
        raise VaehubError(
            f"{str(path)!r} cannot be read as weights of the module ({first_line(error)}); safetensors, or its "
            "state_dict that torch.save wrote, can be"
        ) from error
