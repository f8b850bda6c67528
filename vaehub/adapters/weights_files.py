"""Reading tensors by name from the files that usual tools write. Nothing in a file is run."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from vaehub.core.errors import VaehubError, first_line
from vaehub.files.regular import check_regular

DEPTH = 3
"""How deep in a checkpoint weights are looked for."""
HARMLESS = 1 << 24
"""Bytes by which a file may expand: its small parts may be compressed."""
EXTRA_STATE = "_extra_state"
_REFUSED = re.compile(r"GLOBAL (\S+)")
SAVE = "torch.save(model.state_dict(), 'weights.pt')"

Weights = Mapping[str, object]
"""Tensors by name, as in a state dictionary."""


class Unread:
    """Stands for an object of a class that is not read, such as a setting of the program that wrote a checkpoint."""

    def __new__(cls, *_: object, **__: object) -> "Unread":
        """Return the same whatever it is made of."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Take no state."""


def read_weights(path: Path) -> dict[str, Weights]:
    """Return the sets of weights that a file holds, by the name of the entry in which each is; "" is the whole file.

    Raises:
        VaehubError: If there are none, or the file has another format; says how to write one.
    """
    check_regular(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
        if start[8:] == b"{" and not start.startswith(b"PK"):
            from safetensors.torch import load_file

            return {"": dict(load_file(path))}
        found = _unpickled(path)
    except VaehubError:
        raise
    # The readers can raise any exception.
    except Exception as error:
        reason = "" if isinstance(error, UnpicklingError | RuntimeError) else f" ({first_line(error)})"
        raise VaehubError(
            f"{str(path)!r} cannot be read as weights{reason}; safetensors, or a dictionary of tensors that torch.save "
            "wrote, can be"
        ) from error
    sets = dict(_sets(found, "", DEPTH))
    if not sets:
        kept = f", but {', '.join(map(repr, list(found)[:DEPTH]))}" if isinstance(found, Mapping) else ""
        raise VaehubError(f"{str(path)!r} holds no dictionary of tensors{kept}; write one with {SAVE}")
    return sets


def _unpickled(path: Path) -> object:
    """Return what torch.save wrote, with placeholders for objects of unknown classes."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            n_bytes = sum(info.file_size for info in archive.infolist())
        if n_bytes > path.stat().st_size + HARMLESS:
            raise VaehubError(
                f"{str(path)!r} expands to {n_bytes:,} bytes, and tensors are written uncompressed; do not trust it, "
                f"or write the weights again with {SAVE}"
            )
        if any("/code/" in name for name in names) and any(name.endswith("constants.pkl") for name in names):
            raise VaehubError(
                f"{str(path)!r} holds a program of TorchScript and not weights alone; name programs as encoder and "
                f"decoder, or write the weights with {SAVE}"
            )
        unknown = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    else:
        unknown = []
    stand_ins: list[Any] = [(type(name.rpartition(".")[2], (Unread,), {}), name) for name in unknown]
    try:
        # A stream, for the name of a path is taken for the kind of its content.
        # Else a sparse tensor with places outside it is read, and ends the interpreter when it is used.
        checked = torch.sparse.check_sparse_tensor_invariants()  # type: ignore[no-untyped-call]
        with checked, torch.serialization.safe_globals(stand_ins), path.open("rb") as stream:
            found = torch.load(stream, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        refused = unknown or _REFUSED.findall(str(error))
        if not refused:
            raise
        raise VaehubError(_pickled(path, refused[0])) from error
    if isinstance(found, Unread):
        raise VaehubError(_pickled(path, type(found).__name__))
    return found


def _pickled(path: Path, name: str) -> str:
    return (
        f"{str(path)!r} cannot be read as weights: it holds pickled objects ({name.rpartition('.')[2]}), perhaps a "
        f"whole module, and such are never read; write its weights alone with {SAVE}"
    )


def _sets(found: object, name: str, depth: int) -> Iterator[tuple[str, Weights]]:
    """Yield the dictionaries of tensors among what a checkpoint holds, with their names."""
    if not isinstance(found, Mapping) or not found:
        return
    if all(isinstance(key, str) for key in found):
        if all(isinstance(value, Tensor) or key.endswith(EXTRA_STATE) for key, value in found.items()):
            yield name, dict(found)
            return
        for key, value in found.items():
            if depth:
                yield from _sets(value, f"{name}.{key}" if name else key, depth - 1)
