"""The digits of scikit-learn."""

from typing import final

import numpy as np

from vaehub import Dataset, DataSource, ImageParams, prepare

DARKEST = 16
"""Ink of a pixel: a count of black dots in a 4x4 block of the scan (UCI, Optical Recognition of Handwritten Digits)."""


@final
class Digits(DataSource):
    """1,797 images of 8x8 pixels, grey in [0, 1], with labels 0 to 9; the test set of the UCI original."""

    Params = ImageParams
    params: ImageParams

    def load(self) -> Dataset:
        """Return the images, shape ``(1797, 1, 8, 8)``."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = (digits.images / DARKEST).astype(np.float32)[:, None]
        return prepare(Dataset(images, labels=digits.target), self.params)
