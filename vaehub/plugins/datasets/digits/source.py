"""The digits of scikit-learn."""

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vaehub import Dataset, DataSource, ImageParams, prepare

DARKEST = 16
"""Greatest value of a pixel, a count of black dots in a 4x4 block of the scan (UCI, Optical Recognition of Handwritten
Digits)."""

FILE = Path("datasets") / "data" / "digits.csv.gz"
"""Location of the digits in scikit-learn."""


@final
class Digits(DataSource[ImageParams]):
    """1,797 images of 8x8 pixels, grey in [0, 1], with labels 0 to 9; the test set of the UCI original."""

    def load(self) -> Dataset:
        """Return the images, shape ``(1797, 1, 8, 8)``."""
        table = _table()
        images = (table[:, :-1] / DARKEST).astype(np.float32).reshape(-1, 1, 8, 8)
        return prepare(Dataset(images, labels=table[:, -1].astype(np.int64)), self.params)


def _table() -> NDArray[Any]:
    """Return a row for each image: its pixels, and its label."""
    package = find_spec("sklearn")
    assert package is not None, "vaehub depends on it"
    assert package.submodule_search_locations, "it is a package"
    path = Path(package.submodule_search_locations[0]) / FILE
    if path.is_file():
        # Importing scikit-learn's own reader would take longer than a short training.
        return np.array([line.split(b",") for line in gzip.decompress(path.read_bytes()).split()], dtype=np.float64)
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack([digits.data, digits.target])
