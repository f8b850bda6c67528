"""Arrays that carry names: AnnData and xarray, recognised by what they offer and never imported."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaehub.adapters.found_data import Found, Wanted, chosen
from vaehub.adapters.observations import numbers
from vaehub.core.errors import DataError, described

CHANNEL_AXES = ("channel", "channels", "c", "band", "bands", "colour", "color", "rgb")
"""Names by which an axis is known to be that of channels."""


def is_sparse(data: object) -> bool:
    """Return whether something is a sparse matrix of scipy."""
    return hasattr(data, "toarray") and hasattr(data, "nnz")


def dense(data: Any, title: str) -> NDArray[Any]:
    """Return a sparse matrix as an array of vectors in their own units, anything else as numbers."""
    if is_sparse(data):
        numbers(np.zeros((1, 1), data.dtype), title)
        # Converted while it is sparse: as it is, it might take twice the memory.
        return np.asarray(data.astype(np.float32).toarray())
    return numbers(data, title)


def is_anndata(data: object) -> bool:
    """Return whether something is an AnnData: observations with a table of what is known of each."""
    return all(hasattr(data, name) for name in ("X", "obs", "var", "layers", "obsm"))


def read_anndata(data: Any, title: str, wanted: Wanted) -> Found:
    """Return the matrix of an AnnData, or one of its layers, with columns of ``obs`` as labels and factors.

    Raises:
        DataError: If there is no such layer or column, or no matrix.
    """
    layers = list(data.layers)
    if wanted.layer is not None:
        chosen([wanted.layer], layers, f"{title}, layers,")
    matrix = data.X if wanted.layer is None else data.layers[wanted.layer]
    if matrix is None:
        raise DataError(f"{title} has no X; name a layer: as_dataset(adata, layer={layers[0] if layers else 'NAME'!r})")
    chosen(wanted.names, list(map(str, data.obs.columns)), f"{title}, obs,")
    # A file that is open and not yet read.
    matrix = matrix.to_memory() if hasattr(matrix, "to_memory") else matrix
    found = dense(matrix, f"{title}, {'X' if wanted.layer is None else wanted.layer!r},")
    return Found(
        # Counts in bytes are counts, and no shades of grey.
        found.astype(np.float32, copy=False),
        None if wanted.labels is None else data.obs[wanted.labels].tolist(),
        {name: data.obs[name].tolist() for name in wanted.factors},
    )


def is_data_array(data: object) -> bool:
    """Return whether something is a DataArray of xarray: an array with named axes and coordinates."""
    return all(hasattr(data, name) for name in ("dims", "coords", "values", "transpose")) and hasattr(data, "dtype")


def read_data_array(data: Any, title: str, wanted: Wanted) -> Found:
    """Return the values of a DataArray, with coordinates as labels and factors; its first axis is that of observations.

    An axis named ``channel``, ``band`` or the like is that of channels.

    Raises:
        DataError: If there is no such coordinate, or it is not one value for each observation.
    """
    chosen(wanted.names, [str(name) for name in data.coords], f"{title}, coordinates,")
    for name in wanted.names:
        if tuple(data.coords[name].dims) != tuple(data.dims[:1]):
            raise DataError(
                f"{title}, coordinate {name!r}, lies along {tuple(data.coords[name].dims)}; labels and factors lie "
                f"along the axis of observations, {data.dims[0]!r}"
            )
    channels = [axis for axis in data.dims if str(axis).lower() in CHANNEL_AXES]
    if len(data.dims) == 4 and len(channels) == 1 and channels[0] != data.dims[0]:
        rest = [axis for axis in data.dims[1:] if axis != channels[0]]
        data = data.transpose(data.dims[0], channels[0], *rest)
    else:
        channels = []
    return Found(
        numbers(data.values, title),
        None if wanted.labels is None else data.coords[wanted.labels].values,
        {name: data.coords[name].values for name in wanted.factors},
        is_arranged=bool(channels),
    )


def refuse_variables(data: object) -> None:
    """Refuse an xarray Dataset, which holds several arrays.

    Raises:
        DataError: If it is one.
    """
    if hasattr(data, "data_vars"):
        names = [str(name) for name in data.data_vars]
        example = repr(names[0]) if names else "NAME"
        raise DataError(
            f"{described(data)} holds several arrays: {', '.join(names) or 'none'}; give one: data[{example}]"
        )
