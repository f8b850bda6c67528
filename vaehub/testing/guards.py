"""What a plugin's code leaves as it was: random state, settings of the process, and files."""

from __future__ import annotations

import logging
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs
import torch

from vaehub.core.data.dataset import Dataset
from vaehub.core.model import LatentModel
from vaehub.registry.places import package_of
from vaehub.testing.failures import Item
from vaehub.testing.imports import around_imports

T = TypeVar("T")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
_listeners: list[list[str]] = []
_is_listening = False


@contextmanager
def untouched(item: Item, what: str, *, files: bool = True) -> Iterator[None]:
    """Note what the code inside changes that is not its own: random state, settings, or files.

    Args:
        item: Whose code it is.
        what: What it does, to follow its name, such as ``measures``.
        files: Whether files count; caches and temporary files never do.
    """
    allowed, at_import = _state(), {}

    def import_begins() -> None:
        at_import.update(_state())

    def import_ended() -> None:
        # What was changed before stays noted; what the import of a library changes is nobody's fault.
        now = _state()
        allowed.update({name: now[name] for name, value in at_import.items() if _same(value, allowed[name])})

    with _written() as paths, around_imports(package_of(item.registered.entry.target), import_begins, import_ended):
        yield
    for name, value in _state().items():
        if not _same(value, allowed[name]):
            item.broken(f"changes {name} of the process as it {what}")
    if files and paths:
        item.broken(f"writes {paths[0]!r} as it {what}")


@contextmanager
def unaltered(item: Item, given: Iterable[object], at: Callable[..., object]) -> Iterator[None]:
    """Note models and data that the code inside alters, and put them back: what is measured next would be of others.

    Args:
        item: Whose code it is.
        given: What it is given.
        at: The method that is called.
    """
    before = [(what, tensor, tensor.clone()) for each in given for what, tensor in _content(each)]
    try:
        yield
    finally:
        for what, tensor, kept in before:
            if not torch.equal(tensor.nan_to_num(), kept.nan_to_num()):
                item.broken(f"alters the {what} that it is given as it measures", at)
                tensor.copy_(kept)  # for what is checked after it


def _content(thing: object) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield what of a model or of data has to stay as it is."""
    if isinstance(thing, LatentModel):
        yield from (("weights of a model", each) for each in thing.state_dict().values())
    if isinstance(thing, Dataset):
        factors = None if thing.factors is None else thing.factors.classes
        for what, each in ("observations", thing.stored), ("labels", thing.labels), ("factors", factors):
            if isinstance(each, torch.Tensor):
                yield what, each


def class_of(item: Item, contract: type[T]) -> type[T]:
    """Return the class of an entry, whose import changes nothing of the process.

    Args:
        item: The entry.
        contract: What its kind derives from.

    Raises:
        StopChecking: If it cannot be loaded, once that is noted.
    """
    with untouched(item, "is imported"):
        return item.attempt("cannot be loaded", lambda: item.registered.load(contract))


@contextmanager
def quiet() -> Iterator[None]:
    """Let notes, which small data give reason to, be silent inside the context."""
    log = logging.getLogger("vaehub")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def scrambled(seed: int) -> Iterator[None]:
    """Put all global random state to some other place inside the context, and back afterwards."""
    kept = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        torch.random.set_rng_state(kept[2])


def _state() -> dict[str, object]:
    return {
        "the global random state of torch": torch.random.get_rng_state(),
        "the global random state of numpy": np.random.get_state(),  # noqa: NPY002
        "the global random state of random": random.getstate(),
        "the default number type of torch": torch.get_default_dtype(),
        "the gradient mode": torch.is_grad_enabled(),
        "the number of threads": torch.get_num_threads(),
        "the current folder": Path.cwd(),
        "the environment": dict(os.environ),
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, tuple) and len(one) == 5:  # numpy's
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


@contextmanager
def _written() -> Iterator[list[str]]:
    """Yield a list that paths are added to which this process writes, creates or removes, but for caches."""
    global _is_listening
    if not _is_listening:
        sys.addaudithook(_listen)  # it stays as long as the process, and does nothing outside this context
        _is_listening = True
    paths: list[str] = []
    _listeners.append(paths)
    try:
        yield paths
    finally:
        _listeners.pop()  # by place: lists without paths are all equal


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners or not arguments or not isinstance(arguments[0], str | bytes | Path):
        return
    if event == "open":
        _, mode, flags = arguments
        writes = any(letter in mode for letter in "wxa+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
    else:
        writes = event in _CHANGES
    if writes and not _is_cache(os.path.abspath(os.fsdecode(arguments[0]))):
        for paths in _listeners:
            paths.append(os.fsdecode(arguments[0]))


def _is_cache(path: str) -> bool:
    homes = (tempfile.gettempdir(), platformdirs.user_cache_dir(), platformdirs.user_config_dir(), "/dev", "/proc")
    # Where somebody works is no cache, even if that is in a temporary folder, as it is in tests.
    return "__pycache__" in path or (not _is_in(path, str(Path.cwd())) and any(_is_in(path, home) for home in homes))


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}{os.sep}")
