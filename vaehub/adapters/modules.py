"""Loading users' own modules and their weights. Nothing is unpickled."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.core.errors import VaehubError, first_line

HOLDERS = ("model_state_dict", "state_dict", "model")
"""Keys under which checkpoints keep weights among other things."""
SHOWN = 3


def import_object(path: str) -> object:
    """Return the object of an import path such as ``package.module:name``; classes and functions are called.

    Modules in the current folder come first.

    Raises:
        VaehubError: If there is no such object, or the call fails.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise VaehubError(f"{path!r} is no import path; write package.module:name")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found() if not isinstance(found, nn.Module) and callable(found) else found
    # A user's code runs here.
    except Exception as error:
        raise VaehubError(f"{path!r} cannot be loaded: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(here)


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights into a module.

    Raises:
        VaehubError: If the file cannot be read, or its names or shapes differ from those of the module.
    """
    weights = _weights(path)
    expected = module.state_dict()
    missing = [name for name in expected if name not in weights]
    unexpected = [name for name in weights if name not in expected]
    misshapen = [
        f"{name} is {tuple(weights[name].shape)} and should be {tuple(expected[name].shape)}"
        for name in expected
        if name in weights and weights[name].shape != expected[name].shape
    ]
    problems = [
        f"{what} {', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("misshapen:", misshapen))
        if names
    ]
    if problems:
        raise VaehubError(f"the weights in {str(path)!r} are not those of the object: {'; '.join(problems)}")
    module.load_state_dict(weights)


def check_finite(module: nn.Module) -> None:
    """Check that no weight and no buffer of a module is NaN or infinite.

    Raises:
        VaehubError: If one is; the message names the first, and counts the others.
    """
    values = [*module.named_parameters(), *module.named_buffers()]
    wrong = [name for name, value in values if value.is_floating_point() and not bool(value.isfinite().all())]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise VaehubError(
            f"the model's weights {wrong[0]!r}{more} hold NaN or infinite values; nothing can be measured"
        )


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    # The readers can raise any exception.
    except Exception as error:
        raise VaehubError(
            f"{str(path)!r} cannot be read as weights ({first_line(error)}); safetensors, or a dictionary of tensors "
            "that torch.save wrote, can be"
        ) from error
    for holder in HOLDERS:
        if isinstance(found, Mapping) and isinstance(found.get(holder), Mapping):
            found = found[holder]
    if not (isinstance(found, Mapping) and all(isinstance(value, Tensor) for value in found.values())):
        raise VaehubError(f"{str(path)!r} holds no dictionary of tensors")
    return dict(found)
