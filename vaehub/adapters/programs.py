"""Content of TorchScript programs, without names that are made up while they are loaded."""

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import groupby
from typing import Any

_MANGLED = re.compile(r"\.?___torch_mangle_\d+")
_CODE = re.compile(r"code/.*\.py")
_DECLARED = re.compile(r"  \w+ : ")
_MODE = ("training", "_is_full_backward_hook")


def script_content(saved: bytes) -> Iterator[bytes]:
    """Yield the code of a TorchScript program, with all functions that it calls, its constants and its attributes.

    Weights are among the attributes; the mode, for training or evaluation, and the device are not.

    Args:
        saved: What ``save_to_buffer`` gives.
    """
    with zipfile.ZipFile(BytesIO(saved)) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}
        texts = [archive.read(full).decode() for name, full in names.items() if _CODE.fullmatch(name)]
        yield from (text.encode() for text in sorted(map(_in_order, texts)))
        for folder in ("constants", "data"):
            if f"{folder}.pkl" in names:
                storages = {key: names[f"{folder}/{key}"] for key in _keys(names, folder)}
                yield from _said(_Reader(archive, names[f"{folder}.pkl"], storages).load())


def _in_order(text: str) -> str:
    """Return code with the attributes of each class in order of their names: that of TorchScript may be any."""
    runs = groupby(_MANGLED.sub("", text).splitlines(), key=lambda line: bool(_DECLARED.match(line)))
    return "\n".join(line for declared, run in runs for line in (sorted(run) if declared else run))


def _keys(names: Mapping[str, str], folder: str) -> list[str]:
    return [name.partition("/")[2] for name in names if name.startswith(f"{folder}/")]


class _Named:
    """What stands in a pickle for an object: names and values alone."""

    values: tuple[object, ...]
    state: object
    items: list[tuple[object, object]]

    def __new__(cls, *values: object) -> "_Named":
        made = super().__new__(cls)
        made.values, made.state, made.items = values, None, []
        return made

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        self.items.append((key, value))


class _Reader(pickle.Unpickler):
    """Reads a pickle that TorchScript has just written, and calls nothing that it names."""

    def __init__(self, archive: zipfile.ZipFile, name: str, storages: Mapping[str, str]) -> None:
        super().__init__(BytesIO(archive.read(name)))
        self._archive = archive
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        return type(_MANGLED.sub("", f"{module}.{name}"), (_Named,), {})

    def persistent_load(self, pid: Any) -> object:
        _, kind, key, _, n = pid
        return kind.__name__, n, self._archive.read(self._storages[key])


def _said(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, _Named):
        yield type(value).__name__.encode()
        yield from _said([list(value.values), value.state, value.items])
    elif isinstance(value, Mapping):
        yield f"{len(value)} items".encode()
        for key, item in sorted(value.items(), key=lambda each: str(each[0])):
            if key not in _MODE:
                yield from _said([key, item])
    elif isinstance(value, list | tuple):
        yield f"{len(value)} values".encode()
        for item in value:
            yield from _said(item)
    elif isinstance(value, type):
        yield value.__name__.encode()
    else:
        yield f"{type(value).__name__} {value!r}".encode()
