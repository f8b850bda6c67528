"""A user's own module as a feature extractor: its making and its identity."""

from pathlib import Path

import torch
from torch import nn

from vaehub import VaehubError
from vaehub.adapters import (
    NotIdentified,
    check_finite,
    import_object,
    load_weights,
    module_identity,
    weights_identity,
)


def load_module(path: str, weights: Path | None) -> nn.Module:
    """Return a user's module, with the weights of a file if there is one.

    Raises:
        VaehubError: If there is no such module, the weights are not its own, or one is NaN or infinite.
    """
    module = import_object(path)
    if not isinstance(module, nn.Module):
        raise VaehubError(f"{path!r} gives a {type(module).__name__}; a torch module is needed")
    if weights is not None:
        load_weights(module, weights)
    check_finite(module, f"the weights of {path!r}")
    return module


def identities(path: str, weights: Path | None, *, has_weights: bool) -> tuple[str, str | None]:
    """Return what identifies a module by its code and settings, and what identifies the weights of a file.

    Args:
        path: Import path.
        weights: File of weights.
        has_weights: Whether weights of a file belong to it, though the file may not be at hand.

    Raises:
        VaehubError: As :func:`load_module`, or if some code cannot be looked at.
    """
    # Weights that a module draws when it is made are the same ones each time.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = load_module(path, weights)
    known_by_file = has_weights or weights is not None
    try:
        code = module_identity(module, weights=not known_by_file)
        return code, None if weights is None else f"tensors:{weights_identity(module)}"
    except NotIdentified as error:
        raise VaehubError(
            f"{path!r} has no identity, and a stored result might be that of other code: {error}; write it with "
            "torch.jit.save, and name a function that loads it"
        ) from error
