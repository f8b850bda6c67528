"""AnnData's file format, read by h5py alone: matrices, tables and columns, of all its versions.

The layout of the groups is documented as "on-disk format" of anndata; files of its versions before 0.7 keep tables as
compound datasets, and categories among the unstructured data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError
from vaehub.files import Bound, check_dataset, hdf5_size, read_hdf5
from vaehub.plugins.datasets.own.matrix import check_size

if TYPE_CHECKING:
    import h5py

Item = Any
"""A group or a dataset in the file."""
SPARSE = ("csr", "csc")
MOST_ZEROS = 1000
"""Size of a dense matrix, relative to what is stored of it, up to which it may be larger than the memory: it is taken
row by row. Counts of cells are 10 to 100 times as large."""


class SparseRows:
    """Rows of a sparse matrix, dense where they are taken.

    Args:
        matrix: The matrix, in scipy's compressed rows.
    """

    ndim = 2

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix
        self.shape: tuple[int, ...] = tuple(matrix.shape)
        self.dtype: np.dtype[Any] = matrix.dtype
        self.nbytes = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: slice | NDArray[np.int64]) -> NDArray[Any]:
        found: NDArray[Any] = self._matrix[key].toarray()
        return found


def matrix(item: Item, bound: Bound, title: str) -> Any:
    """Return a matrix, which gives rows when indexed: a dense dataset, a sparse one, or a table of numbers.

    Raises:
        TooLarge: If it takes more bytes than it may.
        DataError: If it is none of these.
    """
    import h5py

    if isinstance(item, h5py.Dataset):
        bound.check(hdf5_size(item), f"the values of {title}")
        if item.shape is not None:
            check_size(bound, item.shape, item.dtype, title)
        return item
    kind = _text(item.attrs.get("encoding-type", item.attrs.get("h5sparse_format", "")))
    if kind[:3] in SPARSE and {"data", "indices", "indptr"} <= set(item):
        return SparseRows(_sparse(item, kind[:3], bound, title))
    if kind == "dataframe":
        columns = [np.asarray(column(item, name, bound, title)) for name in column_names(item)]
        if columns and all(each.dtype.kind in "biuf" for each in columns):
            return np.stack([each.astype(np.float64) for each in columns], axis=1)
    raise DataError(f"{title} is {kind or 'a group'!r}, and not a matrix of numbers; name another with 'data.layer'")


def _sparse(group: h5py.Group, kind: str, bound: Bound, title: str) -> Any:
    from scipy import sparse

    stored = [group[name] for name in ("data", "indices", "indptr")]
    # Sorting by rows, and the check, make copies of them.
    n_bytes = sum(map(hdf5_size, stored))
    bound.check((2 if kind == "csc" else 1) * n_bytes, f"the stored values of {title}")
    try:
        shape = tuple(map(int, group.attrs.get("shape", group.attrs.get("h5sparse_shape"))))
        dense = int(np.prod(shape, dtype=object)) * stored[0].dtype.itemsize
        if dense > MOST_ZEROS * n_bytes:
            bound.check(dense, f"the values of {title}, nearly all of them zero,")
        parts = tuple(read_hdf5(each, bound, title) for each in stored)
        built = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[kind](parts, shape)
        built.check_format(full_check=True)
        return built.tocsr()
    except (ValueError, TypeError) as error:
        raise DataError(f"{title} is a damaged sparse matrix ({error}); replace the file") from error


def column_names(table: Item) -> tuple[str, ...]:
    """Return the names of the columns of a table, in order, without its index."""
    if hasattr(table, "dtype"):
        return tuple(name for name in table.dtype.names if name not in ("index", "_index"))
    order = table.attrs.get("column-order")
    names = [_text(name) for name in np.ravel(order)] if order is not None and len(order) else []
    hidden = ("__categories", _text(table.attrs.get("_index", "_index")))
    return tuple(names or [name for name in table if name not in hidden])


def index(table: Item, bound: Bound, title: str) -> NDArray[Any]:
    """Return the names of the rows of a table."""
    if hasattr(table, "dtype"):
        name = next((name for name in table.dtype.names if name in ("index", "_index")), table.dtype.names[0])
        bound.check(hdf5_size(table), f"the values of {title}")
        return np.asarray(table[name]).astype(str)
    return np.asarray(column(table, _text(table.attrs.get("_index", "_index")), bound, title), str)


def column(table: Item, name: str, bound: Bound, title: str) -> NDArray[Any]:
    """Return the values of one column of a table; missing ones are ``None`` or NaN.

    Args:
        table: A data frame of the file, such as ``obs``.
        name: Of the column.
        bound: Bytes that it may take.
        title: What the table is, for messages.

    Raises:
        TooLarge: If it takes more.
        DataError: If it is encoded in an unknown way.
    """
    import h5py

    where = f"{title}, column {name!r}"
    if isinstance(table, h5py.Dataset):
        bound.check(hdf5_size(table), f"the values of {title}")
        values = np.asarray(table[name])
        # Versions before 0.7 have the categories there.
        categories = table.file.get(f"uns/{name}_categories")
        return values if categories is None else _of_categories(values, read_hdf5(categories, bound, where))
    item = table[name]
    if isinstance(item, h5py.Dataset):
        reference = item.attrs.get("categories")
        values = read_hdf5(item, bound, where)
        if reference is None:
            return values
        categories = item.file[reference]
        check_dataset(categories, where)
        return _of_categories(values, read_hdf5(categories, bound, where))
    kind = _text(item.attrs.get("encoding-type", ""))
    if kind == "categorical":
        return _of_categories(read_hdf5(item["codes"], bound, where), _any_values(item["categories"], bound, where))
    if {"values", "mask"} <= set(item):
        return _any_values(item, bound, where)
    raise DataError(f"{where}, is encoded as {kind or 'a group'!r}, which is not known; drop it")


def _any_values(item: Item, bound: Bound, title: str) -> NDArray[Any]:
    """Return values that may be masked."""
    if hasattr(item, "dtype"):
        return read_hdf5(item, bound, title)
    values, mask = read_hdf5(item["values"], bound, title), read_hdf5(item["mask"], bound, title).astype(bool)
    if not mask.any():
        return values
    found = values.astype(object)
    found[mask] = None
    return found


def _of_categories(codes: NDArray[Any], categories: NDArray[Any]) -> NDArray[Any]:
    # -1 stands for a missing value, and is the last place here.
    known = np.array([*categories, None], object)
    if len(codes) and not (codes.min() >= -1 and codes.max() < len(categories)):
        raise DataError(f"a categorical column has codes beyond its {len(categories)} categories; replace the file")
    found = known[codes.astype(np.int64)]
    return found if (codes < 0).any() else categories[codes.astype(np.int64)]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
