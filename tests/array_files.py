"""The same observations as files of every format, as other programs write them."""

import gzip
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from safetensors.torch import save_file
from scipy import sparse

Array = NDArray[np.generic]


def npz(path: Path, x: Array, labels: Sequence[int] = ()) -> None:
    np.savez_compressed(path, x=x, **({"labels": labels} if labels else {}))


def npy(path: Path, x: Array) -> None:
    np.save(path, x)


def hdf5(path: Path, x: Array, labels: Sequence[str] = ()) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=x, compression="gzip")
        if labels:
            file["labels"] = labels


def h5ad(path: Path, x: Array) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = x
        for name, n in zip(("obs", "var"), x.shape, strict=True):
            group = file.create_group(name)
            group.attrs["_index"] = "_index"
            group["_index"] = [f"{name}{at}" for at in range(n)]


def sparse_h5ad(path: Path, x: Array) -> None:
    h5ad(path, x)
    stored = sparse.csr_matrix(x)
    with h5py.File(path, "a") as file:
        del file["X"]
        group = file.create_group("X")
        group.attrs["encoding-type"], group.attrs["shape"] = "csr_matrix", x.shape
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(stored, name)


def table(path: Path, x: Array, labels: Sequence[str] = ()) -> None:
    columns = {f"c{at}": x[:, at] for at in range(x.shape[1])}
    parquet.write_table(pa.table({**columns, **({"label": labels} if labels else {})}), path)


def csv(path: Path, x: Array) -> None:
    np.savetxt(path, x, fmt="%.1f", delimiter=",")


def packed_csv(path: Path, x: Array) -> None:
    path.write_bytes(gzip.compress("\n".join(",".join(map(str, row)) for row in x.tolist()).encode()))


def safetensors(path: Path, x: Array) -> None:
    save_file({"x": torch.from_numpy(x)}, path)


def tensors(path: Path, x: Array, labels: Sequence[int] = ()) -> None:
    torch.save({"x": torch.from_numpy(x), **({"labels": labels} if labels else {})}, path)


def picture(path: Path, x: Array) -> None:
    Image.fromarray(x).save(path, **({"compression": "tiff_lzw"} if path.suffix == ".tif" else {}))


def png_of_any_name(path: Path, x: Array) -> None:
    Image.fromarray(x).save(path, format="png")


def zip_of_pictures(path: Path, x: Array) -> None:
    png_of_any_name(path.with_suffix(".one"), x)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(3):
            archive.write(path.with_suffix(".one"), f"a/{at}.png")


def tar_of_pictures(path: Path, x: Array) -> None:
    png_of_any_name(path.with_suffix(".one"), x)
    with tarfile.open(path, "w:gz") as archive:
        for at in range(3):
            archive.add(path.with_suffix(".one"), f"a/{at}.png")


def idx(path: Path, x: Array) -> None:
    """Write a picture of bytes five times, as MNIST has them."""
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (5, *x.shape))
    path.write_bytes(head + x.tobytes() * 5)


def packed_idx(path: Path, x: Array) -> None:
    idx(path, x)
    path.write_bytes(gzip.compress(path.read_bytes()))
