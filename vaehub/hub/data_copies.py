"""Copies of data that were handed over in memory, kept in files as long as a session lasts.

The copy is mapped into memory: it takes room on the disk, worker processes read the same file, and a user who changes
an array afterwards does not change what is measured under its identity.
"""

from __future__ import annotations

import os
import shutil
import weakref
from dataclasses import fields, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

from vaehub.core.errors import StoreError, VaehubError
from vaehub.core.identity import Json
from vaehub.core.params import Field, Incidental, Params
from vaehub.core.recipe import Component

if TYPE_CHECKING:
    from vaehub.core.data.dataset import Dataset


class InMemoryData(Params):
    """Identity of data in memory, and the file of their copy."""

    content: str = Field(description="digest of the content")
    file: Annotated[Path | None, Incidental()] = Field(None, description="copy, as long as the session lasts")

    def incidental(self) -> dict[str, Json]:
        """Return nothing: the file is gone when the session is over, and no store should name it."""
        return {}


class DataCopies:
    """The data that were handed over in this session, by their content."""

    def __init__(self) -> None:
        self._data: dict[str, Dataset] = {}
        self._folder: Path | None = None

    def keep(self, data: Dataset) -> Component:
        """Keep a copy of data, and return the component that stands for them in recipes.

        Data on demand are kept as they are: the function that makes them always gives the same.

        Raises:
            StoreError: If there is no room for the copy.
        """
        from vaehub.core.data.on_demand import OnDemand
        from vaehub.hub.in_memory import dataset_component

        component = dataset_component(data)
        params = component.params
        assert isinstance(params, InMemoryData), "a digest is all that such a component has"
        if isinstance(data.stored, OnDemand):
            self._data.setdefault(params.content, data)
            return component
        path = self._path(params.content)
        if params.content not in self._data:
            _write(data, path)
            self._data[params.content] = _read(path)
        return replace(component, params=InMemoryData(content=params.content, file=path))

    def find(self, component: Component) -> Dataset:
        """Return the data of a component.

        Raises:
            VaehubError: If they were handed over in another session.
        """
        params = component.params
        assert isinstance(params, InMemoryData), "only data in memory are asked for here"
        found = self._data.get(params.content)
        if found is None and params.file is not None and params.file.is_file():
            found = self._data[params.content] = _read(params.file)
        if found is None:
            raise VaehubError(
                f"data {component.name!r} were handed over in memory, in another session; hand the same over again, as "
                "in Hub.recipe(…, dataset=x) or Hub.measure(…, data=x), and ask again"
            )
        return found

    def _path(self, content: str) -> Path:
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="vaehub-data-"))
            weakref.finalize(self, _remove, self._folder, os.getpid())
        return self._folder / f"{content}.pt"


def _remove(folder: Path, owner: int) -> None:
    # A process that was forked from this one ends without taking the files away.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _write(data: Dataset, path: Path) -> None:
    import torch

    factors = data.factors
    content: dict[str, Any] = {
        "x": data.stored,
        "labels": data.labels,
        "factors": None if factors is None else {each.name: getattr(factors, each.name) for each in fields(factors)},
        "class_names": data.class_names,
        "notes": data.notes,
        "splits": dict(data.splits),
        "name": data.name,
    }
    try:
        torch.save(content, path)
    except (OSError, RuntimeError) as error:
        path.unlink(missing_ok=True)
        raise StoreError(
            f"a copy of data {data.name!r} cannot be written to {str(path.parent)!r} ({error}); set TMPDIR to a folder "
            "with more room, or save the data to a file and name its path"
        ) from error


def _read(path: Path) -> Dataset:
    import torch

    from vaehub.core.data.dataset import Dataset
    from vaehub.core.data.factors import Factors

    content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    factors = content.pop("factors")
    return Dataset(**content, factors=None if factors is None else Factors(**factors))
