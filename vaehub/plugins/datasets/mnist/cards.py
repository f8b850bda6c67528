"""Cards of MNIST and its kin: files, checksums, addresses, licences."""

from pathlib import Path

from vaehub.files import DataCard, DataFile

SPLITS = ("train", "t10k")
"""Prefixes of the files of each split."""


def images_of(split: str) -> str:
    """Return the name of a split's image file."""
    return f"{split}-images-idx3-ubyte.gz"


def labels_of(split: str) -> str:
    """Return the name of a split's label file."""
    return f"{split}-labels-idx1-ubyte.gz"


NAMES = tuple(name(split) for split in SPLITS for name in (images_of, labels_of))


def _files(address: str, sums: tuple[str, ...], contents: tuple[str, ...] | None = None) -> tuple[DataFile, ...]:
    """Return the four files, with the md5 of each as published and, if packages recompress it, of its content."""
    of_content = [None] * len(NAMES) if contents is None else [f"md5:{each}" for each in contents]
    rows = zip(NAMES, sums, of_content, strict=True)
    return tuple(DataFile(name, f"md5:{md5}", address + name, content) for name, md5, content in rows)


MNIST = DataCard(
    folder="mnist",
    torchvision="MNIST/raw",
    home="http://yann.lecun.com/exdb/mnist/",
    licence="none stated with the files; usually given as CC BY-SA 3.0",
    contents="60,000 + 10,000 images of 28x28, grey; 10 digits",
    files=_files(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
)

FASHION_MNIST = DataCard(
    folder="fashion_mnist",
    torchvision="FashionMNIST/raw",
    home="https://github.com/zalandoresearch/fashion-mnist",
    licence="MIT, Zalando SE",
    contents="60,000 + 10,000 images of 28x28, grey; 10 articles of clothing",
    files=_files(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    # Debian's package dataset-fashion-mnist.
    packaged=Path("/usr/share/datasets/fashion-mnist"),
)

_KMNIST = "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
KMNIST_ARRAYS = {
    images_of("train"): "kmnist-train-imgs.npz",
    labels_of("train"): "kmnist-train-labels.npz",
    images_of("t10k"): "kmnist-test-imgs.npz",
    labels_of("t10k"): "kmnist-test-labels.npz",
}
"""The same arrays in the other official format."""
_KMNIST_SUMS = (
    "a183fbc01ed9a345513b145673d3d0bb",
    "b0e1d240e8afec72b50437fc3bc5908a",
    "dace6de62ca8b90843cc45366337d02e",
    "3ae489a79983d0fe386152684e3b5412",
)
KMNIST = DataCard(
    folder="kmnist",
    torchvision="KMNIST/raw",
    home="http://codh.rois.ac.jp/kmnist/",
    licence="CC BY-SA 4.0, KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset (NIJL and others)",
    contents="60,000 + 10,000 images of 28x28, grey; 10 characters of cursive Japanese",
    files=(
        *_files(
            _KMNIST,
            (
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
        ),
        *(
            DataFile(name, f"md5:{md5}", _KMNIST + name)
            for name, md5 in zip(KMNIST_ARRAYS.values(), _KMNIST_SUMS, strict=True)
        ),
    ),
)

_QMNIST = {
    "qmnist-train-images-idx3-ubyte.gz": "ed72d4157d28c017586c42bc6afe6370",
    "qmnist-train-labels-idx2-int.gz": "0058f8dd561b90ffdd0f734c6a30e5e4",
    "qmnist-test-images-idx3-ubyte.gz": "1394631089c404de565df7b7aeaf9412",
    "qmnist-test-labels-idx2-int.gz": "5b5b05890a5e13444e108efe57b788aa",
}
QMNIST = DataCard(
    folder="qmnist",
    torchvision="QMNIST/raw",
    home="https://github.com/facebookresearch/qmnist",
    licence="BSD-3-Clause, Facebook",
    contents="60,000 + 60,000 images of 28x28, grey; 10 digits; with the complete test split of MNIST",
    files=tuple(
        DataFile(name, f"md5:{md5}", f"https://raw.githubusercontent.com/facebookresearch/qmnist/master/{name}")
        for name, md5 in _QMNIST.items()
    ),
)

EMNIST_ARCHIVE = "gzip.zip"
EMNIST = DataCard(
    folder="emnist",
    torchvision="EMNIST/raw",
    home="https://www.nist.gov/itl/products-and-services/emnist-dataset",
    licence="public domain, US Government (NIST)",
    contents="28x28, grey; balanced 112,800 + 18,800, letters 124,800 + 20,800, digits 240,000 + 40,000",
    files=(
        DataFile(
            EMNIST_ARCHIVE,
            "md5:58c8d27c78d21e728a6bc7b3cc06412e",
            "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        ),
    ),
)
