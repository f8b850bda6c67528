"""Data that people have in memory, as a ``Dataset``."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from torch import Tensor

from vaehub.adapters.annotated_arrays import (
    dense,
    is_anndata,
    is_data_array,
    is_sparse,
    read_anndata,
    read_data_array,
    refuse_variables,
)
from vaehub.adapters.annotations import factors_of, label_classes
from vaehub.adapters.found_data import Found, Wanted
from vaehub.adapters.observations import Layout, Range, numbers, observations, picture, stacked
from vaehub.adapters.tables import is_table, read_table
from vaehub.adapters.torch_data import is_itemised, read_items
from vaehub.core.data.dataset import UNNAMED, Dataset
from vaehub.core.data.on_demand import OnDemand
from vaehub.core.errors import DataError, described

READABLE = (
    "a tensor, an array, a list of arrays, a data frame, a torch Dataset or DataLoader, an AnnData and an xarray "
    "DataArray can be read"
)


def as_dataset(
    data: object,
    *,
    name: str | None = None,
    labels: object = None,
    factors: object = None,
    layer: str | None = None,
    layout: Layout = "auto",
    value_range: Range | None = None,
) -> Dataset:
    """Return what someone has in memory as a dataset.

    Arrays are read as files of arrays are: images ``(n, h, w)``, ``(n, c, h, w)`` or ``(n, h, w, c)`` in [0, 1] or in
    0 to 255 as whole numbers, or vectors ``(n, p)`` in any units. Of a table the columns of numbers are the vectors,
    and a column ``label`` or ``labels`` the labels. What can be read in two ways is refused with both.

    Args:
        data: A tensor of any type and device; a numpy array, or anything that numpy reads; a list of arrays or of
            pictures; a data frame of pandas or polars, an Arrow table, or anything that offers Arrow's stream; a torch
            ``Dataset`` or ``DataLoader`` of observations, pairs (x, label) or mappings; an AnnData; an xarray
            DataArray; a Hugging Face ``Dataset``; or a :class:`vaehub.Dataset`.
        name: Name of the data in results; ``data``, if not given. It is part of their identity, as their values are.
        labels: One value for each observation, of any kind, whose distinct values are the classes; or the name of a
            column, of a column of ``obs``, or of a coordinate; or ``False``, to leave out labels that are there.
        factors: Known factors of variation: values by name, one for each observation; numbers ``(n, m)``; or a list of
            names of columns.
        layer: Layer of an AnnData that holds the observations; ``X``, if not given.
        layout: Position of the channel axis of images, where its length does not tell: ``nchw`` or ``nhwc``.
        value_range: Values that stand for 0 and for 1, such as ``(-1, 1)``, where images are in another range.

    Raises:
        DataError: If it cannot be read, or can be read in two ways; the message says what came, what would be taken,
            and which argument says so.
    """
    data = Dataset(data) if isinstance(data, OnDemand) else data
    if isinstance(data, Dataset):
        return _amended(data, name, labels, factors)
    wanted = _wanted(labels, factors, layer)
    title = described(data)
    parts = _found(data, title, wanted)
    _check_options(layout, value_range)
    _check_order(data, labels, "labels")
    for beside in factors.values() if type(factors) is dict else [factors]:
        _check_order(data, beside, "factors")
    x = observations(parts.x, title, "nchw" if parts.is_arranged else layout, value_range)
    given = parts.labels if wanted.labels or labels is None else labels
    known, names = (None, None) if given is None or given is False else label_classes(given, len(x))
    beside = parts.factors or (None if wanted.factors else factors)
    return Dataset(
        x,
        labels=known,
        class_names=names,
        factors=None if beside is None else factors_of(beside, len(x)),
        name=UNNAMED if name is None else name,
    )


def _check_order(data: object, beside: object, what: str) -> None:
    """Refuse pandas' labels or factors whose index says that they are in another order than a frame of pandas."""
    one, other = (
        getattr(each, "index", None) if is_table(each) or _is_of(each, "pandas") else None for each in (data, beside)
    )
    if one is None or other is None or callable(one) or callable(other) or one.equals(other):
        return
    raise DataError(
        f"the index of the {what} is not that of the observations, so that they can belong together row by row or by "
        f"index; say which: {what}.to_numpy(), or {what}.reindex(frame.index)"
    )


def _wanted(labels: object, factors: object, layer: str | None) -> Wanted:
    if labels is True:
        raise DataError("labels are True; give one for each observation, the name of a column, or False for none")
    names = [factors] if isinstance(factors, str) else factors
    is_named = isinstance(names, list | tuple) and bool(names) and all(isinstance(each, str) for each in names)
    return Wanted(
        labels if isinstance(labels, str) else None,
        tuple(names) if is_named else (),  # type: ignore[arg-type]
        # Labels that are given take the place of those that are there.
        no_labels=labels is False or not (labels is None or isinstance(labels, str)),
        layer=layer,
    )


def _check_options(layout: object, value_range: object) -> None:
    if layout not in ("auto", "nhwc", "nchw"):
        raise DataError(f"layout is {layout!r}, and should be 'auto', 'nchw' (channels first) or 'nhwc' (last)")
    if value_range is not None and not (
        isinstance(value_range, tuple | list)
        and len(value_range) == 2
        and all(isinstance(each, int | float) for each in value_range)
    ):
        raise DataError(f"value_range is {value_range!r}, and should be the values of 0 and 1, such as (-1, 1)")


def _found(data: Any, title: str, wanted: Wanted) -> Found:
    """Return what the reader of such an object finds in it."""
    if is_anndata(data):
        return read_anndata(data, title, wanted)
    refuse_variables(data)
    if is_data_array(data):
        return read_data_array(data, title, wanted)
    if _is_of(data, "datasets") and not isinstance(data, Mapping):
        return read_items(data, title, wanted)
    if is_table(data):
        return read_table(data, title, wanted)
    if isinstance(data, Tensor | np.ndarray) or hasattr(data, "__array__") or hasattr(data, "__dlpack__"):
        wanted.refuse_names(title)
        return Found(numbers(picture(data), title))
    if is_sparse(data):
        wanted.refuse_names(title)
        return Found(dense(data, title).astype(np.float32, copy=False))
    if isinstance(data, list | tuple):
        wanted.refuse_names(title)
        return Found(_of_sequence(data, title))
    if is_itemised(data):
        return read_items(data, title, wanted)
    raise DataError(f"data are {title}, which cannot be read; {_advice(data)}")


def _of_sequence(data: list[Any] | tuple[Any, ...], title: str) -> Any:
    title = f"{title} of {len(data)}"
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(each, "shape") for each in data):
        raise DataError(
            f"{title} can be read as observations with their labels, as_dataset(x, labels=y), and as two observations, "
            "as_dataset(list(data)); say which it is"
        )
    if data and all(isinstance(each, int | float) for each in data):
        return numbers(np.asarray(data), title)
    return stacked(data, title)


def _advice(data: object) -> str:
    if isinstance(data, str | PathLike):
        return "a name or a path is read by Hub.data"
    if isinstance(data, Mapping):
        return "give one of its values, with another as labels: as_dataset(data['x'], labels=data['y'])"
    if hasattr(data, "collect"):
        return "collect() it first"
    if callable(data) and not isinstance(data, type):
        return f"call it, or give its answer: {READABLE}"
    return READABLE


def _is_of(data: object, package: str) -> bool:
    return type(data).__module__.partition(".")[0] == package


def _amended(data: Dataset, name: str | None, labels: object, factors: object) -> Dataset:
    """Return a dataset with another name, or other labels or factors."""
    if name is None and labels is None and factors is None:
        return data
    if isinstance(labels, str) or isinstance(factors, str):
        Wanted(str(labels or factors)).refuse_names("a vaehub.Dataset")
    if labels is None:
        known, names = data.labels, data.class_names
    else:
        known, names = (None, None) if labels is False else label_classes(labels, len(data))
    return Dataset(
        data.stored,
        labels=known,
        class_names=names,
        notes=data.notes,
        factors=data.factors if factors is None else factors_of(factors, len(data)),
        splits=data.splits,
        name=data.name if name is None else name,
    )
