"""Reading a user's programs, objects and weights. Nothing is unpickled."""

import inspect
import sys
import warnings
import zipfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaehub import VaehubError, first_line

HOLDERS = ("model_state_dict", "state_dict", "model")
"""Names under which checkpoints hold weights beside other things."""
SHOWN = 3


def program(path: Path) -> nn.Module:
    """Return a TorchScript or ``torch.export`` program.

    Raises:
        VaehubError: If the file is neither.
    """
    if not zipfile.is_zipfile(path):
        raise VaehubError(f"{str(path)!r} is no program: torch.jit.save and torch.export.save write such files")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    exported = any(name.endswith(("serialized_exported_program.json", "models/model.json")) for name in names)
    scripted = any(name.endswith("constants.pkl") for name in names) and any("/code/" in name for name in names)
    if not (exported or scripted):
        raise VaehubError(
            f"{str(path)!r} holds no program, perhaps a pickled module, which is never read; write it with "
            "torch.jit.save or torch.export.save, or name the object and its weights"
        )
    try:
        if exported:
            return torch.export.load(path).module()
        with warnings.catch_warnings():
            # Deprecated in favour of torch.export, and still what many files are.
            warnings.simplefilter("ignore", DeprecationWarning)
            module: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            return module
    # The readers fail in more ways than can be named.
    except Exception as error:
        raise VaehubError(f"{str(path)!r} cannot be read as a program: {first_line(error)}") from error


def imported(path: str) -> nn.Module:
    """Return what an import path names, made if it is a class or a function; a pair becomes one module.

    Raises:
        VaehubError: If there is no such object, or it is not what is needed.
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
        if not isinstance(found, nn.Module) and callable(found):
            found = found()
    # A user's code runs here.
    except Exception as error:
        raise VaehubError(f"{path!r} cannot be had: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(here)
    if isinstance(found, tuple | list) and len(found) == 2 and all(isinstance(each, nn.Module) for each in found):
        return nn.ModuleList(found)
    if isinstance(found, nn.Module) and all(isinstance(getattr(found, each, None), nn.Module) for each in _PARTS):
        return found
    kind = found.__name__ if inspect.isclass(found) else type(found).__name__
    raise VaehubError(
        f"{path!r} gives a {kind}; a module with the attributes encoder and decoder, or a pair of modules, is needed"
    )


_PARTS = ("encoder", "decoder")


def load_weights(module: nn.Module, path: Path) -> None:
    """Read weights into a module.

    Raises:
        VaehubError: If the file cannot be read, or its names or shapes are not those of the module.
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


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    # The readers fail in more ways than can be named.
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
