"""Users' own modules by import path, with weights from files."""

import copy
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vaehub.adapters.code_identity import plain
from vaehub.adapters.weights_files import read_weights
from vaehub.core.errors import VaehubError, first_line

COMPILED = "_orig_mod"
PARALLEL = "module"
"""What ``torch.compile`` and ``DataParallel`` put before the names of the module that they are given."""
SHOWN = 3


def import_object(path: str) -> object:
    """Return the object of an import path such as ``package.module:name``; classes and functions are called.

    Modules in the current folder come first. A module that is there already is copied, so that it stays as it is.

    Raises:
        VaehubError: If there is no such object, the call fails, or it cannot be copied.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise VaehubError(f"{path!r} is no import path; write package.module:name")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        # What a module draws while it is loaded, which happens once, must not move what is drawn afterwards.
        with torch.random.fork_rng(devices=[]):
            found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found() if not isinstance(found, nn.Module) and callable(found) else copy.deepcopy(found)
    # A user's code runs here.
    except Exception as error:
        raise VaehubError(f"{path!r} cannot be loaded: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(here)


def import_with_weights(path: str, weights: Path | None) -> object:
    """Return the object of an import path with weights from a file; a pair of modules becomes one module of both.

    Raises:
        VaehubError: As :func:`import_object` and :func:`load_weights`; or if the object takes no weights.
    """
    found = import_object(path)
    if isinstance(found, tuple | list) and all(isinstance(each, nn.Module) for each in found):
        found = nn.ModuleList(found)
    if weights is not None:
        if not isinstance(found, nn.Module):
            raise VaehubError(f"{path!r} gives a {type(found).__name__}, which takes no weights; leave weights out")
        load_weights(found, weights)
    return found


def load_weights(module: nn.Module, path: Path, *, is_unused: Callable[[str], bool] | None = None) -> None:
    """Read weights into a module.

    Prefixes that usual tools put before all names are taken off, such as ``module.``, ``_orig_mod.`` or the ``model.``
    of a Lightning module, where the names fit without.

    Args:
        module: The module.
        path: The file.
        is_unused: Says of a name in the file, prefixes included, whether the module does without it, such as the
            weights of a head for classes.

    Raises:
        VaehubError: If the file cannot be read, its names or shapes differ from those of the module, or a value is NaN
            or infinite.
    """
    module = plain(module)
    expected = module.state_dict()
    found = read_weights(path)
    if is_unused is not None:
        found = {key: {name: each for name, each in held.items() if not is_unused(name)} for key, held in found.items()}
    fitting = {key: named for key, held in found.items() if (named := _fitted(held, expected)) is not None}
    if len(fitting) > 1 and not _equal(fitting.values()):
        raise VaehubError(
            f"{str(path)!r} holds several sets of weights that fit, {' and '.join(map(repr, fitting))}; write the one "
            "that is meant into a file of its own"
        )
    if not fitting:
        key, held = max(found.items(), key=lambda each: len(each[1].keys() & expected.keys()))
        raise VaehubError(
            f"the weights in {str(path)!r} are not those of the object: {'; '.join(_problems(held, expected))}"
            f"{_prefixes(held, expected)}{f' (of its entry {key!r})' if key else ''}"
        )
    weights = next(iter(fitting.values()))
    if wrong := _problems(weights, expected):
        raise VaehubError(f"the weights in {str(path)!r} are not those of the object: {'; '.join(wrong)}")
    module.load_state_dict(weights)
    check_finite(module, f"the weights in {str(path)!r}")


def check_finite(module: nn.Module, title: str = "the weights") -> None:
    """Check that all weights and buffers of a module have values, and are numbers.

    Buffers may hold minus infinity, as masks of attention do.

    Args:
        module: The module.
        title: How the message calls the weights.

    Raises:
        VaehubError: If one is NaN or infinite, or has no values, as lazy ones and those on the device ``meta``; names
            the tensor.
    """
    for kind, named in (("weight", module.named_parameters()), ("buffer", module.named_buffers())):
        for name, value in named:
            if nn.parameter.is_lazy(value) or value.is_meta:
                how = "give the module an observation first" if nn.parameter.is_lazy(value) else "load its weights"
                raise VaehubError(f"{title} cannot be measured: {kind} {name!r} has no values yet; {how}")
            if not (value.is_floating_point() or value.is_complex()):
                continue
            # The narrowest types have no such test of their own.
            wide = value.detach().float() if value.element_size() == 1 else value.detach()
            wide = wide.dequantize() if wide.is_quantized else wide
            right = wide.isfinite() if kind == "weight" else wide.isfinite() | wide.isneginf()
            if not bool(right.all()):
                what = "NaN" if bool(wide.isnan().any()) else "infinite"
                n = int((~right).sum())
                raise VaehubError(
                    f"{title} cannot be measured: {kind} {name!r} is {what} in {n} of its {wide.numel()} values"
                )


def _fitted(held: Mapping[str, object], expected: Mapping[str, Tensor]) -> dict[str, object] | None:
    """Return the weights under the expected names, taking off what tools put there; ``None`` if they do not fit."""
    plain_names = {_without(name, COMPILED): name for name in expected}
    for dropped in ((), (COMPILED,), (COMPILED, PARALLEL)):
        names = [_without(name, *dropped) for name in held]
        while len(set(names)) == len(held):
            if set(names) == plain_names.keys():
                return {plain_names[name]: value for name, value in zip(names, held.values(), strict=True)}
            first = {name.partition(".")[0] for name in names}
            if len(first) != 1 or not all("." in name for name in names):
                break
            names = [name.partition(".")[2] for name in names]
    return None


def _without(name: str, *parts: str) -> str:
    return ".".join(each for each in name.split(".") if each not in parts)


def _problems(held: Mapping[str, object], expected: Mapping[str, Tensor]) -> list[str]:
    """Return what keeps weights from being those of a module, a phrase each."""
    misshapen = [
        f"{name} is {_shape(held[name])} and should be {_shape(value)}"
        for name, value in expected.items()
        if name in held and isinstance(value, Tensor) and not nn.parameter.is_lazy(value)
        if _shape(held[name]) != _shape(value)
    ]
    missing = [name for name in expected if name not in held]
    unexpected = [name for name in held if name not in expected]
    return [
        f"{what} {_listed(names)}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("misshapen:", misshapen))
        if names
    ]


def _prefixes(held: Mapping[str, object], expected: Mapping[str, Tensor]) -> str:
    """Return a hint where only some names fit behind a prefix."""
    firsts = sorted({name.partition(".")[0] for name in held if "." in name})
    for first in firsts:
        inside = {name.partition(".")[2]: value for name, value in held.items() if name.startswith(f"{first}.")}
        if _fitted(inside, expected) is not None:
            others = [name for name in held if not name.startswith(f"{first}.")]
            return (
                f"; behind the prefix '{first}.' all of them are there, beside {_listed(others)}; write a file with "
                "those alone"
            )
    return ""


def _shape(value: object) -> object:
    return tuple(value.shape) if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _listed(names: Collection[str]) -> str:
    first = list(names)[:SHOWN]
    return f"{', '.join(first)}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"


def _equal(sets: Iterable[Mapping[str, Any]]) -> bool:
    one, *others = sets
    return all(
        torch.equal(one[name], other[name]) if isinstance(one[name], Tensor) else one[name] is other[name]
        for other in others
        for name in one
    )
