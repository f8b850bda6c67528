"""Users' own data, named by their path: images, arrays, tables of vectors."""

from collections.abc import Sequence

from vaehub.registry import Dataset, Entry, hookimpl

ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
IDX_ENDINGS = tuple(f"{before}idx{n}-ubyte{packed}" for before in "-." for n in (1, 2, 3) for packed in ("", ".gz"))
"""Endings of single idx files, which have no suffix of their own."""


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Dataset(
            "images",
            "vaehub.plugins.datasets.own.images:Images",
            "a folder or archive of images, whose subfolders become labels, or idx files",
            params="vaehub.plugins.datasets.own.params:ImagesParams",
            opens=("/", *ARCHIVE_ENDINGS, *IDX_ENDINGS),
        ),
        Dataset(
            "arrays",
            "vaehub.plugins.datasets.own.arrays:Arrays",
            "an npz, npy, HDF5, safetensors or PyTorch file of images or vectors",
            params="vaehub.plugins.datasets.own.params:ArraysParams",
            opens=(".npz", ".npy", ".h5", ".hdf5", ".safetensors", ".pt", ".pth"),
        ),
        Dataset(
            "vectors",
            "vaehub.plugins.datasets.own.vectors:Vectors",
            "a Parquet or CSV file of vectors",
            params="vaehub.plugins.datasets.own.params:VectorsParams",
            opens=(".parquet", ".pq", ".csv", ".tsv", ".csv.gz", ".tsv.gz"),
        ),
        Dataset(
            "anndata",
            "vaehub.plugins.datasets.own.anndata:AnnData",
            "an h5ad file of AnnData, such as expression counts of cells",
            params="vaehub.plugins.datasets.own.params:AnnDataParams",
            opens=(".h5ad",),
        ),
    ]
