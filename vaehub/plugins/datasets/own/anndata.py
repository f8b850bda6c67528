"""AnnData files: a matrix of observations and variables, with columns that describe both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from vaehub import DataError, Dataset, DataSource, prepare
from vaehub.files import opened_hdf5, unpack
from vaehub.plugins.datasets.own import h5ad, matrix
from vaehub.plugins.datasets.own.annotation import annotation_of
from vaehub.plugins.datasets.own.matrix import Selection, blocks, vectors
from vaehub.plugins.datasets.own.params import AnnDataParams
from vaehub.plugins.datasets.own.roles import Names

if TYPE_CHECKING:
    import h5py

LABELS = ("label", "labels", "cell_type")
PLACES = ("layers", "obsm")
"""Groups whose matrices can be observed."""


@final
class AnnData(DataSource[AnnDataParams]):
    """Rows of X, of a layer, of ``raw`` or of an array of ``obsm``, with columns of ``obs`` as labels and factors."""

    def load(self) -> Dataset:
        """Return the observations, shape ``(n, variables)``, dense.

        Raises:
            TooLarge: If something takes more bytes than it may.
            DataError: If the file has another format, something is named that is not there, or a value is missing.
        """
        path = self.params.path
        with opened_hdf5(path, "an h5ad file") as (file, _):
            if "obs" not in file or "var" not in file:
                raise DataError(f"{path} has no 'obs' and 'var', as AnnData's files have; name it .h5 to read arrays")
            return self._loaded(file)

    def _loaded(self, file: h5py.File) -> Dataset:
        params, path, bound, obs = self.params, self.params.path, self.params.bound, file["obs"]
        place = self._place(file)
        array = h5ad.matrix(file[place], bound, f"{path}, {place!r}")
        if len(array.shape) != 2 or 0 in array.shape or array.dtype.kind not in "biuf":
            raise DataError(f"{path}, {place!r} is {array.shape} of {array.dtype}, and no matrix of numbers")
        names = Names(path, "column of obs", h5ad.column_names(obs))
        label = names.one(params.labels, LABELS, "labels")
        factors = names.several(params.factors, "factors")
        values = {name: h5ad.column(obs, name, bound, f"{path}, obs") for name in (label, *factors) if name is not None}
        for name, each in values.items():
            if len(each) != len(array):
                raise DataError(f"{path}, {place!r} has {len(array)} rows and obs column {name!r} {len(each)}")
        columns = self._variables(file, place, array.shape[1])
        known = annotation_of(
            params,
            path,
            kind="column of obs",
            labels=None if label is None else (label, values[label]),
            factors={name: values[name] for name in factors},
            incomplete=self._incomplete(array, place),
        )
        notes = [] if place == "X" else [f"the observations are {place!r}"]
        if label is not None and params.labels is None:
            notes.append(f"column {label!r} is taken for labels, by its name; '-s data.labels=none' leaves it out")
        data = Dataset(
            vectors(Selection(self._held(array, place), known.rows, columns), params.scale, f"{path}, {place!r}"),
            labels=known.labels,
            class_names=known.class_names,
            factors=known.factors,
            notes=(*notes, *known.notes),
        )
        return prepare(data, params)

    def _place(self, file: h5py.File) -> str:
        """Return the path of the matrix in the file."""
        there = [name for name in ("X",) if name in file]
        there += [f"{group}/{name}" for group in PLACES for name in file.get(group, ())]
        there += ["raw"] if "X" in file.get("raw", ()) else []
        asked = self.params.layer or "X"
        fitting = [place for place in there if asked in (place, place.partition("/")[2])]
        if len(fitting) != 1:
            problem = f"both {' and '.join(fitting)}" if fitting else f"no {asked!r}"
            raise DataError(
                f"{self.params.path} has {problem}; '-s data.layer=NAME' takes one of {', '.join(there) or 'none'}"
            )
        return "raw/X" if fitting[0] == "raw" else fitting[0]

    def _variables(self, file: h5py.File, place: str, n: int) -> NDArray[np.int64] | None:
        """Return the numbers of the variables that are kept; ``None`` for all."""
        params = self.params
        if params.columns is None and params.drop is None:
            return None
        if place.startswith("obsm/"):
            every = [str(at) for at in range(n)]
        else:
            every = h5ad.index(
                file["raw/var" if place == "raw/X" else "var"], params.bound, f"{params.path}, var"
            ).tolist()
        names = Names(params.path, "variable", every)
        kept = every if params.columns is None else names.several(params.columns, "columns")
        dropped = set(names.several(params.drop, "drop"))
        at = {name: number for number, name in enumerate(every)}
        found = [at[name] for name in kept if name not in dropped]
        if not found:
            raise DataError(f"{params.path} has no variable left; set 'data.columns' or 'data.drop'")
        return np.array(found, np.int64)

    def _incomplete(self, array: Any, place: str) -> dict[str, NDArray[np.bool_]]:
        if self.params.missing == "refuse" or array.dtype.kind != "f":
            return {}
        return {place: np.concatenate([np.isnan(block).any(axis=1) for block in blocks(array)])}

    def _held(self, array: Any, place: str) -> Any:
        """Return a matrix that outlives the open file: in memory, or unpacked into the cache."""
        import h5py

        if not isinstance(array, h5py.Dataset):
            return array
        if array.nbytes <= matrix.IN_MEMORY:
            return array[:]
        name = f"h5ad-{self.params.content}-{place}".replace("/", "-")
        return unpack(name, array.shape, array.dtype, lambda: blocks(array))
