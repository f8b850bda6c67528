"""Selecting observations and resizing images, exactly and reproducibly."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vaehub.core.data.dataset import CHANGED_AT_ONCE, Dataset
from vaehub.core.data.on_demand import OnDemand
from vaehub.core.data.params import DataParams, ImageParams
from vaehub.core.errors import DataError
from vaehub.core.random import generator
from vaehub.files.bounds import Bound

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey: ITU-R BT.601."""
CHOICES = ("split", "n_classes", "first", "per_class", "subset", "validation_last")
"""Parameters that select observations."""
WHOLE = "all"
"""Name of the single split of data without splits."""


FLOATS = 3
"""Copies of the images that are converted together in single precision: as they were, resized and padded."""


def prepare(data: Dataset, params: DataParams) -> Dataset:
    """Return the selected observations, with images converted and resized.

    Raises:
        DataError: If there are too few observations, or the data are not of the required kind.
    """
    chosen = _chosen(data, params)
    return _resized(chosen, params) if isinstance(params, ImageParams) else chosen


def _chosen(data: Dataset, params: DataParams) -> Dataset:
    if all(getattr(params, name) is None for name in CHOICES):
        return data
    splits = dict(data.splits) or {WHOLE: torch.arange(len(data))}
    if params.split is not None:
        splits = _split(len(data), params.split, _random(params, "split"))
    if params.n_classes is not None:
        splits = _of_classes(data, splits, params.n_classes, _random(params, "classes"))
    main = "train" if "train" in splits else next(iter(splits))
    rows = splits[main]
    if params.first is not None:
        rows = _enough(rows, params.first, "first", main)[: params.first]
    if params.per_class is not None:
        rows = _per_class(data, rows, params.per_class, _random(params, "per class"))
    if params.subset is not None:
        order = torch.randperm(len(_enough(rows, params.subset, "subset", main)), generator=_random(params, "subset"))
        rows = rows[order[: params.subset].sort().values]
    splits[main] = rows
    if params.validation_last is not None:
        n = len(_enough(rows, params.validation_last + 1, "validation_last", main)) - params.validation_last
        splits = {**splits, "train": rows[:n], "validation": rows[n:]}
        splits.pop(WHOLE, None)
    return data.subset(splits[WHOLE]) if WHOLE in splits else data.restricted(splits)


def _random(params: DataParams, purpose: str) -> torch.Generator:
    return generator(params.seed, "data", purpose)


def _enough(rows: Tensor, n: int, name: str, split: str) -> Tensor:
    if n > len(rows):
        raise DataError(f"'data.{name}' needs {n} observations, and there are {len(rows)} ({split}); ask for fewer")
    return rows


def _split(n: int, shares: tuple[float, float, float], random: torch.Generator) -> dict[str, Tensor]:
    order = torch.randperm(n, generator=random)
    ends = [round(n * min(1.0, sum(shares[: at + 1]))) for at in range(3)]
    pieces = zip(("train", "validation", "test"), [0, *ends], ends, strict=False)
    splits = {name: order[start:end].sort().values for name, start, end in pieces if end > start}
    if "train" not in splits:
        raise DataError(f"'data.split' of {list(shares)} leaves none of {n} observations to train on")
    return splits


def _labels(data: Dataset, name: str) -> Tensor:
    if data.labels is None:
        raise DataError(f"'data.{name}' needs labels, and these data have none")
    return data.labels


def _of_classes(data: Dataset, splits: dict[str, Tensor], n: int, random: torch.Generator) -> dict[str, Tensor]:
    labels = _labels(data, "n_classes")
    present = torch.unique(torch.cat([labels[rows] for rows in splits.values()]))
    if n > len(present):
        raise DataError(f"'data.n_classes' is {n}, and there are {len(present)} classes; ask for fewer")
    kept = present[torch.randperm(len(present), generator=random)[:n]]
    return {name: rows[torch.isin(labels[rows], kept)] for name, rows in splits.items()}


def _per_class(data: Dataset, rows: Tensor, n: int, random: torch.Generator) -> Tensor:
    labels = _labels(data, "per_class")[rows]
    present, counts = torch.unique(labels, return_counts=True)
    if int(counts.min()) < n:
        worst = int(counts.argmin())
        code = int(present[worst])
        name = repr(data.class_names[code]) if data.class_names else code
        raise DataError(f"'data.per_class' is {n}, and class {name} has {int(counts[worst])} observations")
    shuffled = torch.randperm(len(rows), generator=random)
    by_class = shuffled[torch.argsort(labels[shuffled], stable=True)]
    starts = counts.cumsum(0) - counts
    rank = torch.arange(len(rows)) - starts.repeat_interleave(counts)
    return rows[by_class[rank < n].sort().values]


def _resized(data: Dataset, params: ImageParams) -> Dataset:
    wanted = [name for name in ("channels", "size", "pad") if getattr(params, name)]
    if not wanted:
        return data
    if len(data.spec.shape) != 3:
        raise DataError(f"'data.{wanted[0]}' is for images, and these are vectors of {data.spec.n_values} values")
    has, side = data.spec.shape[0], params.size
    if params.channels is not None and has not in (1, 3):
        raise DataError(f"'data.channels' converts 3 channels to 1 or 1 to 3, and these images have {has}")
    # Images that already fit are left alone: a detour through float costs time and can change the last bit.
    channels = params.channels if params.channels != has else None
    size = None if side is None or data.spec.shape[1:] == (side, side) else side
    if channels is None and size is None and not params.pad:
        return data
    height, width = (each + 2 * params.pad for each in (data.spec.shape[1:] if size is None else (size, size)))
    _must_fit(data, (channels or has, height, width))

    def change(x: Tensor) -> Tensor:
        values = x.to(torch.float32)
        if channels == 1:
            values = (values * values.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
        if channels == 3:
            values = values.expand(-1, 3, -1, -1)
        if size is not None:
            values = functional.interpolate(values, (size, size), mode="bilinear", antialias=True)
        values = functional.pad(values, [params.pad] * 4)
        if x.dtype == torch.uint8:
            return values.round_().clamp_(0, 255).to(torch.uint8)
        return values.clamp(0, 1)

    return data.changed(change)


def _must_fit(data: Dataset, shape: tuple[int, ...]) -> None:
    """Refuse images that would take more memory than data may, before the first of them is made."""
    if isinstance(data.stored, OnDemand):
        return  # made batch by batch, and never kept
    n, allowed = len(data), Bound.of(None)
    at_once = min(n, CHANGED_AT_ONCE) * FLOATS * torch.float32.itemsize
    needed = (n * data.stored.element_size() + at_once) * math.prod(shape)
    if needed > max(allowed.n_bytes, data.n_bytes):
        channels, height, width = shape
        raise DataError(
            f"{n:,} images of {channels} x {height} x {width} take about {needed:,} bytes to make, above "
            f"{allowed.n_bytes:,} ({allowed.origin}); lower 'data.size', or keep fewer with 'data.subset'"
        )
