"""Cards of CIFAR-10 and ImageNet32: files, checksums, addresses, licences."""

from vaehub.files import DataCard, DataFile

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""Classes of CIFAR-10, in the order of its labels."""

PICKLED, BINARY = "cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"
"""The two official forms of CIFAR-10, with the same images in the same order."""
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_LICENCE = "none stated by the owners; cite Krizhevsky 2009"

CIFAR10 = DataCard(
    folder="cifar10",
    home=f"{_TORONTO}cifar.html",
    licence=_LICENCE,
    contents="50,000 + 10,000 images of 32x32, colour; 10 classes",
    files=(
        DataFile(PICKLED, "md5:c58f30108f718f92721af3b95e74349a", _TORONTO + PICKLED, n_bytes=170_498_071),
        DataFile(BINARY, "md5:c32a1d4ab5d03f1284b67883e8d87530", _TORONTO + BINARY, n_bytes=170_052_171),
    ),
)

SHEETS = {
    "train": tuple(f"cifar10_batch_{n}.png" for n in range(4)),
    "test": ("cifar10_batch_50.png",),
}
"""Sheets of 1,000 images, one per row, with the first images of each split."""
LABELS = "labels.txt"
_SUMS = {
    "cifar10_batch_0.png": "0614720d69293a033786d5fe2924c4e9a9b48874f19ca4627c4662a864ee9f2d",
    "cifar10_batch_1.png": "2927e26ea68602e34a7424826b76b7336ce36b8f6bcc2e9fce0c05568ff6b4c1",
    "cifar10_batch_2.png": "0b2759e307bb405bb1a6531f8a0f557eaec46d7546050612fdb836f0fa60eae0",
    "cifar10_batch_3.png": "a4530ff15c83886058a97c352f53f38be07d191de8f410e998e91786b5900a26",
    "cifar10_batch_50.png": "5cea9e8fb7933540a2236a4bb25c1ed3a8447f345c55ae659143a95a5d8dac5e",
    LABELS: "d4280d19d58ed014c6b7e62f77f7e473ab1cb2eb760c25558d2f7aa3e4f25981",
}

CIFAR10_SLICE = DataCard(
    folder="cifar10-slice",
    # The sheets come from a demonstration; the list of labels is not published in this form.
    home="https://github.com/karpathy/convnetjs",
    licence=_LICENCE,
    contents="4,000 + 1,000 images of 32x32, colour; 10 classes",
    files=tuple(DataFile(name, f"sha256:{sha256}") for name, sha256 in _SUMS.items()),
)

ARCHIVES = {"train": "Imagenet32_train.zip", "test": "Imagenet32_val.zip"}
"""Archives of ImageNet32; its validation split serves as test split, since nothing is trained or chosen on it."""
BATCHES = {"train": tuple(f"train_data_batch_{n}" for n in range(1, 11)), "test": ("val_data",)}
"""Names of the files in the archives, in order."""

IMAGENET32 = DataCard(
    folder="imagenet32",
    home="https://image-net.org/download-images",
    licence="non-commercial research and education only, to be agreed to with the owners",
    contents="1,281,167 + 50,000 images of 32x32, colour; 1,000 classes",
    files=tuple(DataFile(name) for name in ARCHIVES.values()),
)
