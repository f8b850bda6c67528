"""Previews of datasets: contact sheets and summary statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vaehub.core.data.dataset import Dataset
from vaehub.core.errors import VaehubError
from vaehub.core.model import EVALUATION_BATCH
from vaehub.core.random import generator

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS, ROWS = 10, 10
NOTHING = -1
GAP = 2
"""Pixels between images."""
PAPER = 0.35
"""Grey of the sheet between images, on which both black and white ones end visibly."""
WIDTH = 1000
"""Pixels that a sheet is brought to, by whole factors."""
SAMPLED = 20_000
"""Observations from which mean and deviation are estimated, where more than these are made on demand."""


@dataclass(frozen=True)
class Figures:
    """Summary statistics of a dataset.

    Attributes:
        n: Observations.
        shape: Of one.
        splits: Size of each split.
        labels: Observations of each class, empty without labels.
        factors: Name and size of each factor.
        mean, deviation: Of the split ``train``, or of everything where there is none: of each channel of images, or of
            all values of vectors.
        n_sampled: Number of observations from which these two are computed.
        class_names: Name of each class, empty where unknown.
        notes: What was done to the data, or found by itself, a sentence each.
    """

    n: int
    shape: tuple[int, ...]
    splits: dict[str, int]
    labels: list[int]
    factors: dict[str, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    n_sampled: int
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def figures(data: Dataset) -> Figures:
    """Summarise a dataset; for large data on demand, mean and deviation are estimated from evenly spaced rows."""
    some = data.split("train") if "train" in data.splits else data
    rows = torch.arange(len(some))
    if not isinstance(some.stored, Tensor) and len(rows) > SAMPLED:
        rows = rows[:: -(-len(rows) // SAMPLED)]
    n_channels = data.spec.shape[0] if len(data.spec.shape) == 3 else 1
    sums = torch.zeros(2, n_channels, dtype=torch.float64)
    for chosen in torch.split(rows, EVALUATION_BATCH):
        values = some.batch(chosen).x.double().reshape(len(chosen), n_channels, -1)
        sums += torch.stack([values.sum(dim=(0, 2)), values.square().sum(dim=(0, 2))])
    mean, square = sums / (len(rows) * data.spec.n_values // n_channels)
    return Figures(
        n=len(data),
        shape=data.spec.shape,
        splits={name: len(each) for name, each in data.splits.items()},
        labels=[] if data.labels is None else torch.bincount(data.labels).tolist(),
        factors={} if data.factors is None else dict(zip(data.factors.names, data.factors.sizes, strict=True)),
        mean=tuple(mean.tolist()),
        deviation=tuple((square - mean.square()).clamp(min=0).sqrt().tolist()),
        n_sampled=len(rows),
        class_names=data.class_names or (),
        notes=data.notes,
    )


def sheet(data: Dataset, seed: int = 0) -> Image:
    """Return a contact sheet of some observations.

    Each row shows one factor going through its values, where there are factors; a class, where there are labels; chance
    decides the rest.

    Raises:
        VaehubError: If the data are no images of one or three channels.
    """
    from PIL import Image

    if len(data.spec.shape) != 3 or data.spec.shape[0] not in (1, 3):
        raise VaehubError(
            f"a sheet shows images of 1 or 3 channels, and these observations have shape {data.spec.shape}"
        )
    rows = _rows(data, generator(seed, "sheet"))
    images = data.batch(rows.clamp(min=0).flatten()).x.reshape(*rows.shape, *data.spec.shape)
    images[rows == NOTHING] = PAPER
    pixels = (_laid_out(images) * 255).round().to(torch.uint8).numpy()
    picture = Image.fromarray(pixels)
    factor = max(1, WIDTH // picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _rows(data: Dataset, random: torch.Generator) -> Tensor:
    """Return the observation in each cell, shape ``(rows, columns)``; ``NOTHING`` in empty cells."""
    if data.factors is not None and data.factors.is_grid:
        lines = [data.factors.varying(at, 1, random)[0] for at, size in enumerate(data.factors.sizes) if size > 1]
        # Of many values, some at even distances; of few, each once.
        shown = [line[torch.linspace(0, len(line) - 1, min(COLUMNS, len(line))).round().long()] for line in lines]
        return torch.stack([functional.pad(line, (0, COLUMNS - len(line)), value=NOTHING) for line in shown])
    if data.labels is not None:
        classes = torch.unique(data.labels)[:ROWS]
        drawn = []
        for each in classes:
            members = (data.labels == each).nonzero()[:, 0]
            drawn.append(members[torch.randint(len(members), (COLUMNS,), generator=random)])
        return torch.stack(drawn)
    n_rows = min(ROWS, -(-len(data) // COLUMNS))
    return torch.randint(len(data), (n_rows, COLUMNS), generator=random)


def _laid_out(images: Tensor) -> Tensor:
    """Return images ``(rows, columns, c, h, w)`` side by side, shape ``(height, width, 3)``."""
    n_rows, n_columns, _, height, width = images.shape
    paper = torch.full((n_rows, n_columns, 3, height + GAP, width + GAP), PAPER)
    paper[..., :height, :width] = images
    laid = paper.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    return functional.pad(laid, (0, 0, GAP, 0, GAP, 0), value=PAPER)


def halved(picture: Image, columns: int) -> NDArray[np.uint8]:
    """Return a picture as rows of pairs of pixels, one above the other, shape ``(rows, columns, 2, 3)``.

    Half a character of a terminal is about as high as it is wide, so that a character shows such a pair.
    """
    from PIL import Image

    width = min(columns, picture.width)
    height = max(2, round(picture.height * width / picture.width / 2) * 2)
    pixels = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BOX))
    return pixels.reshape(height // 2, 2, width, 3).transpose(0, 2, 1, 3)
