"""Files of the official forms of CIFAR-10 and ImageNet32, made here."""

import hashlib
import io
import pickle
import struct
import tarfile
from dataclasses import replace

import numpy as np

from vaehub.files import DataCard, DataFile


def coloured(n, seed):
    """Images ``(n, 3, 32, 32)`` that differ in every channel, row and column."""
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)


def python_2_batch(title, labels, data, names):
    """A batch as Python 2's cPickle wrote it in protocol 2: text, and the bytes of arrays, as BINSTRING."""

    def short(text):
        return b"U" + bytes([len(text)]) + text

    def long(content):
        return b"T" + struct.pack("<i", len(content)) + content

    def number(value):
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    def listed(items):
        return b"](" + b"".join(items) + b"e"

    dtype = b"cnumpy\ndtype\n(" + short(b"u1") + b"K\x00K\x01tRq\x09(K\x03" + short(b"|")
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07" + short(b"b") + b"\x87Rq\x08"
    )
    array += (
        b"(K\x01" + number(len(data)) + number(3072) + b"\x86q\x0a" + dtype + b"\x89" + long(data.tobytes()) + b"tb"
    )
    content = b"\x80\x02}q\x01("
    content += short(b"batch_label") + b"q\x02" + short(title)
    content += short(b"labels") + b"q\x03" + listed(number(label) for label in labels)
    content += short(b"data") + b"q\x04" + array
    content += short(b"filenames") + listed(short(name) for name in names)
    return content + b"u."


def python_3_batch(protocol):
    """Return a function like :func:`python_2_batch` that writes as Python 3 does."""

    def write(title, labels, data, names):
        batch = {b"batch_label": title, b"labels": list(labels), b"data": data, b"filenames": list(names)}
        return pickle.dumps(batch, protocol=protocol)

    return write


def binary_batch(title, labels, data, names):
    """A batch of the binary form: records of a byte of label and 3072 of image."""
    return np.concatenate([np.array(labels, np.uint8)[:, None], data], axis=1).tobytes()


def write_tar(path, contents):
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def write_cifar10(path, batches, write):
    """Write an archive; ``batches`` has images and labels of the five training batches and of the test batch."""
    binary = write is binary_batch
    folder, ending = ("cifar-10-batches-bin", ".bin") if binary else ("cifar-10-batches-py", "")
    names = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    contents = {f"{folder}/batches.meta{'.txt' if binary else ''}": b"not read"}
    # The official archive is not in order either.
    for at in (3, 5, 0, 4, 1, 2):
        images, labels = batches[at]
        files = [b"image_s_%06d.png" % n for n in range(len(labels))]
        rows = np.asarray(images).reshape(-1, 3072)
        contents[f"{folder}/{names[at]}{ending}"] = write(b"batch %d" % at, labels, rows, files)
    write_tar(path, contents)


def with_sums(card: DataCard, folder, algorithm="md5") -> DataCard:
    """The card with the checksums of the files that are in a folder, and no addresses."""
    files = []
    for file in card.files:
        path = folder / file.name
        found = hashlib.new(algorithm, path.read_bytes()).hexdigest() if path.exists() else "0"
        files.append(DataFile(file.name, f"{algorithm}:{found}"))
    return replace(card, files=tuple(files))
