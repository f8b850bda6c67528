"""Loading users' programs and objects. Nothing is unpickled."""

import inspect
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import torch
from torch import nn

from vaehub import VaehubError, first_line
from vaehub.adapters import Parts, import_object, load_weights, parts_of


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
            # Deprecated in favour of torch.export, but many files still have this format.
            warnings.simplefilter("ignore", DeprecationWarning)
            module: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            return module
    # The readers can raise any exception.
    except Exception as error:
        raise VaehubError(f"{str(path)!r} cannot be read as a program: {first_line(error)}") from error


def network_of(path: str, weights: Path | None) -> Parts:
    """Return the encoder and the decoder of the object that an import path names, with its weights.

    Raises:
        VaehubError: If there is no such object, it has no encoder, or the weights are not its own.
    """
    found = import_object(path)
    if weights is not None:
        whole = nn.ModuleList(found) if _is_pair(found) else found
        if not isinstance(whole, nn.Module):
            raise VaehubError(f"{path!r} gives a {type(found).__name__}, which takes no weights; leave 'weights' out")
        load_weights(whole, weights)
    try:
        return parts_of(found)
    except VaehubError as error:
        kind = found.__name__ if inspect.isclass(found) else type(found).__name__
        raise VaehubError(
            f"{path!r} gives a {kind}; a module with the methods encode and decode or the attributes encoder and "
            "decoder, or a pair of modules, is needed"
        ) from error


def _is_pair(found: object) -> TypeGuard[Sequence[nn.Module]]:
    return isinstance(found, tuple | list) and all(isinstance(each, nn.Module) for each in found)
