"""What datasets promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.data.source import DataSource
from vaehub.core.errors import DataError
from vaehub.core.random import generator
from vaehub.hub.answers import loaded
from vaehub.registry.holdings import holding
from vaehub.registry.lawfulness import NAME
from vaehub.testing.failures import Item, NotChecked
from vaehub.testing.guards import class_of, scrambled, untouched
from vaehub.testing.parameters import check_params

LOOKED_AT = 64


def check(item: Item, settings: Mapping[str, object] | None = None) -> None:
    """Note the promises of a dataset that are not kept. Nothing is downloaded."""
    kind = class_of(item, DataSource)
    check_params(item)
    params = item.params(dict(settings or {}))
    found = item.attempt("has a card that cannot be loaded", lambda: holding(item.registered))
    if found.card is not None and not found.is_at_hand:
        raise NotChecked(f"{item.title} has files that are not on this machine; 'vaehub data info' says which")

    def load() -> Dataset:
        try:
            return loaded(item.attempt("cannot be made", lambda: kind(params)), item.registered.entry.name)
        except DataError as error:
            if isinstance(error.__cause__, FileNotFoundError | OSError):
                raise NotChecked(str(error)) from error
            raise

    with scrambled(1), untouched(item, "loads"):
        data = item.attempt("fails as it loads", load)
    with scrambled(2):
        again = item.attempt("fails as it loads again", load)
    rows = torch.randperm(len(data), generator=generator(0, "kit"))[:LOOKED_AT]
    batch = item.attempt("fails as observations are taken", lambda: data.batch(rows))
    if not _same(batch, again.batch(rows)) or len(data) != len(again):
        item.broken("has other observations each time it is loaded", kind.load)
    _check_batches(item, data, rows, batch)
    _check_values(item, data, batch)
    _check_splits(item, data)
    _check_names(item, data)
    with_validation = item.attempt(
        "cannot set a validation split aside", lambda: data.with_validation(0.1, generator(0))
    )
    if not len(with_validation.split("train")) or not len(with_validation.split("validation")):
        item.broken("has nothing to train on, or nothing to validate with, once a tenth is set aside", kind.load)


def _check_batches(item: Item, data: Dataset, rows: torch.Tensor, batch: Batch) -> None:
    load = cast(type[DataSource], item.registered.load(DataSource)).load
    if batch.x.dtype != torch.float32 or batch.x.shape[1:] != data.spec.shape:
        item.broken(f"gives {batch.x.dtype} of shape {tuple(batch.x.shape[1:])}, and declares {data.spec.shape}", load)
    order = torch.arange(len(rows) - 1, -1, -1)
    if not torch.equal(data.batch(rows[order]).x, batch.x[order]):
        item.broken("gives other observations for the same rows in another order", load)
    first = data.batch(slice(0, min(3, len(data))))
    if not torch.equal(data.batch(torch.arange(len(first))).x, first.x):
        item.broken("gives other observations for a slice than for the same rows by number", load)


def _check_values(item: Item, data: Dataset, batch: Batch) -> None:
    load = cast(type[DataSource], item.registered.load(DataSource)).load
    if not bool(torch.isfinite(batch.x).all()):
        item.broken("has NaN or infinity among its observations", load)
    if data.spec.in_unit_interval and not bool(((batch.x >= 0) & (batch.x <= 1)).all()):
        item.broken("says that its values are in [0, 1], and has others", load)
    if len(data.spec.shape) == 3 and not data.spec.in_unit_interval:
        item.broken("has images with values outside [0, 1]", load)
    if data.is_constant():
        item.broken("has only copies of one observation", load)


def _check_splits(item: Item, data: Dataset) -> None:
    load = cast(type[DataSource], item.registered.load(DataSource)).load
    for name, rows in data.splits.items():
        if not len(rows):
            item.broken(f"has the split {name!r} without observations", load)
        elif len(torch.unique(rows)) != len(rows):
            item.broken(f"has observations twice in the split {name!r}", load)
    if data.splits and "train" not in data.splits:
        named = ", ".join(map(repr, data.splits))
        item.broken(f"has the splits {named} and no 'train', so that models are trained on all observations", load)
    if {"train", "test"} <= data.splits.keys():
        both = torch.isin(data.splits["train"], data.splits["test"]).sum()
        if both:
            item.broken(f"has {int(both)} observations in both 'train' and 'test'", load)


def _check_names(item: Item, data: Dataset) -> None:
    load = cast(type[DataSource], item.registered.load(DataSource)).load
    factors = data.factors
    if factors is not None:
        for at, (name, size) in enumerate(zip(factors.names, factors.sizes, strict=True)):
            if not NAME.fullmatch(name):
                item.broken(f"has a factor named {name!r}, and names are lower-case words joined by underscores", load)
            if not data.splits and len(data) >= size and len(torch.unique(factors.classes[:, at])) < size:
                item.broken(f"has the factor {name!r} of {size} values, of which some never occur", load)
        if len(set(factors.names)) != len(factors.names):
            item.broken("has two factors of one name", load)
        if factors.values and [len(each) for each in factors.values] != list(factors.sizes):
            item.broken("has other numbers of values than its factors have sizes", load)
    if data.labels is not None and len(data.labels) != len(data):
        item.broken(f"has {len(data.labels)} labels of {len(data)} observations", load)


def _same(one: Batch, other: Batch) -> bool:
    pairs = ((one.x, other.x), (one.labels, other.labels), (one.factors, other.factors))
    return all((a is None and b is None) or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs)
