"""AnnData's files, of the layout that anndata 0.12, 0.7 and 0.6 write."""

import h5py
import numpy as np
import pytest
import torch
from scipy import sparse

from vaehub import DataError
from vaehub.core.params import parse
from vaehub.plugins.datasets.own import matrix
from vaehub.plugins.datasets.own.anndata import AnnData
from vaehub.plugins.datasets.own.params import AnnDataParams

N, GENES = 12, 5
COUNTS = np.random.default_rng(0).poisson(1.0, (N, GENES)).astype(np.float32)
TYPES = ["T", "B", "NK"] * 4


def load(path, **settings):
    return AnnData(parse(AnnDataParams, {"path": path, **settings}, owner="dataset 'anndata'")).load()


def encoded(group, name, values, kind, version="0.2.0"):
    if isinstance(values, dict):
        item = group.create_group(name)
        for key, value in values.items():
            item[key] = value
    else:
        item = group.create_dataset(name, data=values)
    item.attrs["encoding-type"], item.attrs["encoding-version"] = kind, version
    return item


def compressed(group, name, values, kind):
    form = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[kind](values)
    parts = {"data": form.data, "indices": form.indices, "indptr": form.indptr}
    encoded(group, name, parts, f"{kind}_matrix", "0.1.0").attrs["shape"] = form.shape


def frame(file, name, rows, columns):
    """Write a data frame of the given columns: name, values, kind of encoding."""
    group = encoded(file, name, {}, "dataframe")
    encoded(group, "_index", rows, "string-array")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = [each[0] for each in columns]
    for column, values, kind in columns:
        encoded(group, column, values, kind)


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "cells.h5ad")


def written(path, x="dense"):
    """Write a file as anndata 0.12 does."""
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"], file.attrs["encoding-version"] = "anndata", "0.1.0"
        if x == "dense":
            encoded(file, "X", COUNTS, "array")
        elif x is not None:
            compressed(file, "X", COUNTS, x)
        layers = encoded(file, "layers", {}, "dict")
        compressed(layers, "counts", COUNTS * 2, "csr")
        encoded(layers, "scaled", COUNTS - 1, "array")
        obsm = encoded(file, "obsm", {}, "dict")
        encoded(obsm, "X_pca", np.arange(3.0 * N).reshape(N, 3), "array")
        frame(
            obsm,
            "frame",
            [f"c{at}" for at in range(N)],
            [("u", np.arange(N) * 1.0, "array"), ("v", np.ones(N), "array")],
        )
        codes = np.array([2, 0, 1] * 4, np.int8)
        categories = {"codes": codes, "categories": ["B", "NK", "T"]}
        partly = {"codes": np.array([1, -1, 0] * 4, np.int8), "categories": ["NK", "T"]}
        mask = np.array([False, True, False] * 4)
        frame(
            file,
            "obs",
            [f"c{at}" for at in range(N)],
            [
                ("cell_type", categories, "categorical"),
                ("partly", partly, "categorical"),
                ("donor", ["b", "a"] * 6, "string-array"),
                ("score", np.arange(N) * 1.5, "array"),
                ("flag", np.arange(N) % 2 == 0, "array"),
                ("nullable", {"values": np.array([1, 0, 3] * 4), "mask": mask}, "nullable-integer"),
                ("truth", {"values": mask, "mask": mask}, "nullable-boolean"),
                ("text", {"values": ["x", "", "y"] * 4, "mask": mask}, "nullable-string-array"),
                ("strange", {"parts": [1, 2]}, "awkward-array"),
            ],
        )
        frame(file, "var", [f"gene{at}" for at in range(GENES)], [])
        raw = encoded(file, "raw", {}, "raw")
        encoded(raw, "X", np.c_[COUNTS, COUNTS], "array")
        frame(raw, "var", [f"raw{at}" for at in range(2 * GENES)], [])
    return path


@pytest.mark.parametrize("x", ["dense", "csr", "csc"])
@pytest.mark.parametrize("limit", [1 << 30, 100])
def test_the_matrix_is_read_dense_or_sparse_in_memory_or_not(tmp_path, monkeypatch, x, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    data = load(written(tmp_path / "cells.h5ad", x))
    assert isinstance(data.stored, torch.Tensor) == (limit > 100)
    assert np.array_equal(data.batch(torch.tensor([3, 11, 0])).x, COUNTS[[3, 11, 0]])
    assert not data.spec.in_unit_interval
    assert data.class_names == ("B", "NK", "T")
    assert [data.class_names[at] for at in data.labels] == TYPES
    assert "column 'cell_type' is taken for labels" in data.notes[0]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("counts", COUNTS * 2),
        ("layers/scaled", COUNTS - 1),
        ("X_pca", np.arange(3.0 * N).reshape(N, 3)),
        ("frame", np.stack([np.arange(N), np.ones(N)], axis=1)),
        ("raw", np.c_[COUNTS, COUNTS]),
    ],
)
def test_another_matrix_is_named(path, layer, expected):
    data = load(path, layer=layer, labels="none")
    assert np.array_equal(data.x, expected.astype(np.float32))
    assert data.labels is None


def test_columns_of_obs_are_labels_and_factors(path):
    data = load(path, labels="donor", factors="cell_type,score,flag")
    assert data.class_names == ("a", "b")
    assert data.labels.tolist() == [1, 0] * 6
    assert data.factors.names == ("cell_type", "score", "flag")
    assert data.factors.class_names[0] == ("B", "NK", "T")
    assert data.factors.values[1] == tuple(1.5 * at for at in range(N))
    assert load(path, factors="score", bins=3).factors.sizes == (3,)


@pytest.mark.parametrize(
    ("name", "names"), [("partly", ("NK", "T")), ("nullable", ("1", "3")), ("truth", ("False",)), ("text", ("x", "y"))]
)
def test_missing_labels_are_no_class(path, name, names):
    with pytest.raises(DataError, match=rf"column of obs '{name}', has 4 missing values; .*'-s data.missing=drop'"):
        load(path, labels=name)
    data = load(path, labels=name, missing="drop")
    assert data.class_names == names
    assert len(data) == 8
    assert np.array_equal(data.x, COUNTS[[at for at in range(N) if at % 3 != 1]])


def test_genes_are_chosen_by_name(path):
    assert np.array_equal(load(path, columns="gene2,gene0").x, COUNTS[:, [2, 0]])
    assert np.array_equal(load(path, drop=["gene1"]).x, COUNTS[:, [0, 2, 3, 4]])
    assert load(path, layer="raw", columns="raw7").spec.shape == (1,)
    assert np.array_equal(load(path, layer="X_pca", columns=[2]).x[:, 0], 3.0 * np.arange(N) + 2)


@pytest.mark.parametrize("limit", [1 << 30, 100])
@pytest.mark.parametrize("x", ["dense", "csr"])
def test_counts_are_scaled(tmp_path, monkeypatch, x, limit):
    monkeypatch.setattr(matrix, "IN_MEMORY", limit)
    monkeypatch.setattr(matrix, "AT_ONCE", 50)
    path = written(tmp_path / "cells.h5ad", x)
    np.testing.assert_allclose(load(path, scale="log1p").x, np.log1p(COUNTS), rtol=1e-6)
    deviation = COUNTS.astype(np.float64).std(axis=0)
    np.testing.assert_allclose(load(path, scale="standard").x, (COUNTS - COUNTS.mean(axis=0)) / deviation, atol=1e-6)
    unit = load(path, scale="unit")
    np.testing.assert_allclose(unit.x, COUNTS / COUNTS.max(axis=0), rtol=1e-6)  # each column has a 0
    assert unit.spec.in_unit_interval
    with pytest.raises(DataError, match="has values below 0, and 'data.scale=log1p' is for counts"):
        load(path, layer="scaled", scale="log1p")


def test_files_of_anndata_0_7_are_read(tmp_path):
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        compressed(file, "X", COUNTS, "csr")
        frame(file, "obs", [f"c{at}" for at in range(N)], [])
        obs = file["obs"]
        del obs.attrs["column-order"]
        obs["cell_type"] = np.array([2, 0, 1] * 4, np.int8)
        obs["partly"] = np.array([1, -1, 0] * 4, np.int8)
        for name, values in {"cell_type": [b"B", b"NK", b"T"], "partly": [b"NK", b"T"]}.items():
            obs[f"__categories/{name}"] = np.array(values)
            obs[name].attrs["categories"] = obs[f"__categories/{name}"].ref
        frame(file, "var", [f"gene{at}" for at in range(GENES)], [])
    data = load(tmp_path / "old.h5ad")
    assert np.array_equal(data.x, COUNTS)
    assert [data.class_names[at] for at in data.labels] == TYPES
    assert load(tmp_path / "old.h5ad", labels="partly", missing="drop").class_names == ("NK", "T")
    with pytest.raises(DataError, match="it has 'cell_type', 'partly'; set"):
        load(tmp_path / "old.h5ad", labels="__categories")


def test_files_of_anndata_0_6_are_read(tmp_path):
    with h5py.File(tmp_path / "older.h5ad", "w") as file:
        form = sparse.csr_matrix(COUNTS)
        group = file.create_group("X")
        group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = "csr", form.shape
        group["data"], group["indices"], group["indptr"] = form.data, form.indices, form.indptr
        file["obs"] = np.array(
            [(f"c{at}".encode(), code, at / 2) for at, code in enumerate([2, 0, -1] * 4)],
            [("index", "S4"), ("cell_type", "i1"), ("score", "f4")],
        )
        file["uns/cell_type_categories"] = np.array([b"B", b"NK", b"T"])
        file["var"] = np.array([(f"gene{at}".encode(),) for at in range(GENES)], [("index", "S6")])
    with pytest.raises(DataError, match="'cell_type', has 4 missing values"):
        load(tmp_path / "older.h5ad")
    data = load(tmp_path / "older.h5ad", missing="drop", columns="gene4", factors="score")
    assert data.class_names == ("B", "T")
    assert data.x[:, 0].tolist() == COUNTS[[at for at in range(N) if at % 3 != 2], 4].tolist()
    assert data.factors.values[0][:3] == (0.0, 0.5, 1.5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"layer": "nothing"},
            "has no 'nothing'; '-s data.layer=NAME' takes one of X, layers/counts, layers/scaled, obsm",
        ),
        ({"labels": "cell"}, "has no column of obs 'cell', it has 'cell_type'"),
        ({"factors": "cell"}, "has no column of obs 'cell'"),
        ({"columns": "gene9"}, "has no variable 'gene9', it has 'gene0'"),
        ({"labels": "strange"}, "column 'strange', is encoded as 'awkward-array', which is not known"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(path, settings, words):
    with pytest.raises(DataError, match=words):
        load(path, **settings)


def test_a_file_without_x_asks_for_a_matrix(tmp_path):
    path = written(tmp_path / "cells.h5ad", None)
    with pytest.raises(DataError, match=r"has no 'X'; '-s data.layer=NAME' takes one of layers/counts"):
        load(path)
    assert load(path, layer="X_pca").spec.shape == (3,)


def test_files_of_another_kind_are_named(tmp_path):
    (tmp_path / "text.h5ad").write_bytes(b"nothing of the sort")
    with pytest.raises(DataError, match="text.h5ad cannot be read as an h5ad file"):
        load(tmp_path / "text.h5ad")
    with h5py.File(tmp_path / "plain.h5ad", "w") as file:
        file["x"] = COUNTS
    with pytest.raises(DataError, match="has no 'obs' and 'var'"):
        load(tmp_path / "plain.h5ad")


@pytest.mark.parametrize("part", ["indices", "indptr"])
def test_a_damaged_sparse_matrix_is_refused(tmp_path, part):
    path = written(tmp_path / "cells.h5ad", "csr")
    with h5py.File(path, "a") as file:
        file["X"][part][-1] = 10_000
    with pytest.raises(DataError, match="'X' is a damaged sparse matrix"):
        load(path)
