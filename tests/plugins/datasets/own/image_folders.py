"""Folders and archives of small images, made for the tests of this folder."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from vaehub.core.params import parse
from vaehub.plugins.datasets.own.images import Images
from vaehub.plugins.datasets.own.params import ImagesParams

RNG = np.random.default_rng(0)


def params(path, **settings):
    return parse(ImagesParams, {"path": path, **settings}, owner="dataset 'images'")


def load(path, **settings):
    return Images(params(path, **settings)).load()


def png(brightness=None, form="PNG"):
    """Return the content of an image: of one brightness, or of noise."""
    pixels = RNG.integers(0, 256, (6, 6), dtype=np.uint8) if brightness is None else np.full((6, 6), brightness, "u1")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, form)
    return content.getvalue()


def tree(folder: Path, *names, make=png):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(make())
    return folder


def tarred(path, contents, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in contents:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents:
            member = zipfile.ZipInfo()
            member.filename = name  # as it is: the constructor would change some
            archive.writestr(member, content)
    return path
