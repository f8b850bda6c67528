"""What plugins return, held against their contracts: a slip is one sentence, with the line of the plugin."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaehub.core.data.dataset import Dataset
from vaehub.core.data.source import DataSource
from vaehub.core.errors import ContractBroken, DataError, WorkFailed, described
from vaehub.core.metric import Metric, TableMetric
from vaehub.core.model import LatentModel, Posterior, evaluating
from vaehub.core.result import Result
from vaehub.registry.lawfulness import NAME
from vaehub.registry.places import place_of


def loaded(source: DataSource, name: str) -> Dataset:
    """Return what a source loads.

    Raises:
        DataError: If it is no dataset.
    """
    found: object = source.load()
    if not isinstance(found, Dataset):
        raise DataError(
            f"dataset {name!r} loads {described(found)}, and 'load' returns a vaehub.Dataset{place_of(source.load)}"
        )
    return found


def measured(found: object, metric: Metric, latent_dims: frozenset[int] | None = None) -> Result:
    """Return what a metric measured.

    Args:
        found: As it returned it.
        metric: The metric.
        latent_dims: Numbers of latents of the models that it measured, one of which each vector over latents has.

    Raises:
        WorkFailed: If it is no result, a name is none, or a vector over latents has another length than the model.
    """
    title = f"metric {metric.name!r}"
    if not isinstance(found, Result):
        raise WorkFailed(
            f"{title} returned {described(found)}, and 'measure' returns a vaehub.Result{place_of(metric.measure)}"
        )
    # What a metric of tables names is named by the columns of somebody's query.
    for name in () if isinstance(metric, TableMetric) else _names(found):
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            raise WorkFailed(
                f"{title} returned a value named {name!r}, and names are lower-case words joined by underscores, such "
                f"as 'n_active', since people write SQL against them{place_of(metric.measure)}"
            )
    lengths = {name: len(vector.values) for name, vector in found.vectors.items() if vector.index == "latent"}
    if latent_dims is not None and not set(lengths.values()) <= latent_dims:
        told = ", ".join(f"{name!r} with {length}" for name, length in lengths.items() if length not in latent_dims)
        raise WorkFailed(
            f"{title} returned vectors over the index 'latent', {told} values, and the model has "
            f"{' and '.join(map(str, sorted(latent_dims)))} latents; another index is named by "
            f"vaehub.Vector(values, 'layer'){place_of(metric.measure)}"
        )
    return found


@torch.no_grad()
def try_out(model: LatentModel, data: Dataset, title: str) -> int:
    """Check what a model gives of two observations, and return how many there were.

    An error costs less now than after training.

    Raises:
        VaehubError: If it encodes or decodes to something else than it should.
    """
    batch = data.split("train").batch(slice(0, 2))
    expected = (len(batch), model.latent_dim)
    with evaluating(model):
        posterior: object = model.encode(batch)
        if not isinstance(posterior, Posterior):
            raise ContractBroken(
                f"{title} encodes to {described(posterior)}, and 'encode' returns a vaehub.Posterior"
                f"{place_of(model.encode)}"
            )
        for name, found in ("means", posterior.mu), ("log variances", posterior.logvar):
            if found is not None and found.shape != expected:
                of = "" if name == "means" else f"{name} of "
                raise ContractBroken(f"{title} encodes to {of}shape {tuple(found.shape)}, expected {expected}")
        if not model.decodes:
            return len(batch)
        x: object = model.decode(posterior.mu)
        if not isinstance(x, Tensor):
            raise ContractBroken(
                f"{title} decodes to {described(x)}, and 'decode' returns a tensor{place_of(model.decode)}"
            )
        if x.shape != batch.x.shape:
            raise ContractBroken(f"{title} decodes to shape {tuple(x.shape)}, expected {tuple(batch.x.shape)}")
    return len(batch)


def _names(found: Result) -> Iterator[object]:
    # Arrays are read by name from their files, and may have any.
    for values in (found.scalars, found.vectors, found.tables, found.signatures):
        yield from values
    for table in found.tables.values():
        yield from (*table.keys, *table.columns)
    for vector in found.vectors.values():
        yield vector.index
