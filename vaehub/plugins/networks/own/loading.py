"""Loading users' programs and objects. Nothing is unpickled."""

import inspect
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from vaehub import VaehubError, first_line
from vaehub.adapters import (
    NotIdentified,
    Parts,
    as_module,
    check_finite,
    import_with_weights,
    module_identity,
    parts_of,
    weights_identity,
)


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


def network_of(path: str, weights: Path | None) -> tuple[nn.Module, Parts]:
    """Return the object that an import path names as one module, with its weights, and its encoder and decoder.

    Raises:
        VaehubError: If there is no such object, it has no encoder, the weights are not its own, or one of them is NaN.
    """
    found = import_with_weights(path, weights)
    try:
        parts = parts_of(found)
    except VaehubError as error:
        kind = found.__name__ if inspect.isclass(found) else type(found).__name__
        raise VaehubError(
            f"{path!r} gives a {kind}; a module with the methods encode and decode or the attributes encoder and "
            "decoder, or a pair of modules, is needed"
        ) from error
    if not isinstance(found, nn.Module):
        found = nn.ModuleList(as_module(each) for each in (parts.encoder, parts.decoder) if each is not None)
    check_finite(found, f"the weights of {path!r}")
    return found, parts


def identities_of(path: str, weights: Path | None) -> dict[str, str]:
    """Return what identifies an object by its code, its settings and its weights, whatever file these are in.

    Raises:
        VaehubError: As :func:`network_of`; or if some code cannot be looked at.
    """
    # Weights that the object draws are the same ones each time: their seed is that of the recipe.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        whole, _ = network_of(path, weights)
    try:
        found = {"object": module_identity(whole, weights=weights is None)}
        return found if weights is None else found | {"weights": weights_identity(whole)}
    except NotIdentified as error:
        raise VaehubError(
            f"{path!r} has no identity, and a stored result might be that of other code: {error}; write encoder and "
            "decoder with torch.export.save, or measure it from Python with vaehub.wrap"
        ) from error
