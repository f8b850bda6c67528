"""What a metric says that it needs: all of it is refused where it is missing, and nothing else is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vaehub.core.data.dataset import Batch, Dataset
from vaehub.core.errors import VaehubError
from vaehub.core.metric import Metric
from vaehub.core.model import LatentModel, Losses, Posterior, Step
from vaehub.core.result import Result
from vaehub.hub.refusals import refuse
from vaehub.testing.failures import Item, StopChecking
from vaehub.testing.results import differing, says

OF_MODELS = ("decoder", "variances", "prior")
OF_DATA = ("labels", "factors")


class Bare(LatentModel):
    """A model without some of what it has.

    Args:
        model: The model.
        without: Of ``decoder``, ``variances`` and ``prior``.
    """

    def __init__(self, model: LatentModel, without: Sequence[str]) -> None:
        super().__init__(model.params, model.network, model.spec)
        self.inner = model
        self.without = frozenset(without)
        self.decodes = model.decodes and "decoder" not in self.without
        self.eval()

    @property
    def latent_dim(self) -> int:
        """Number of latents."""
        return self.inner.latent_dim

    @property
    def learned_prior_variance(self) -> Tensor | None:
        """As the model has it."""
        return self.inner.learned_prior_variance

    @property
    def selected_latents(self) -> Tensor | None:
        """As the model has them."""
        return self.inner.selected_latents

    def encode(self, batch: Batch) -> Posterior:
        """Return the posterior, with variances or without."""
        found = self.inner.encode(batch)
        return Posterior(found.mu, None) if "variances" in self.without else found

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z), unless there is no decoder."""
        if "decoder" in self.without:
            raise LookupError("this model has no decoder, and 'needs' names none")
        return self.inner.decode(z)

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Return the objective."""
        return self.inner.loss(batch, step)

    def prior_sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws from the prior, unless there is none."""
        if "prior" in self.without:
            raise VaehubError("this model has no prior, and 'needs' names none")
        return self.inner.prior_sample(n, generator)

    def prior(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of p(z)."""
        return self.inner.prior(batch)


def check_needs(item: Item, metric: Metric, arguments: tuple[Any, ...], whole: Result) -> None:
    """Note needs that are declared and not refused, and what is used without being declared.

    Args:
        item: The entry.
        metric: The metric.
        arguments: Of which it measured.
        whole: What it measured of them.
    """
    needs = metric.needs
    of_classes = needs.classes and not (needs.labels or needs.factors)
    declared = [name for name in (*OF_MODELS, *OF_DATA) if getattr(needs, name)]
    if needs.derivatives and "decoder" not in declared:
        declared.append("decoder")
    for name in declared:
        if _refuses(metric, _without(arguments, [name])) is None and _has(arguments, name):
            item.broken(f"names {name!r} among its needs, and does not refuse where there is none", type(metric))
    _check_unused(item, metric, arguments, [name for name in OF_DATA if name not in declared and not of_classes], whole)
    if any(isinstance(each, LatentModel) for each in arguments):
        for name in OF_MODELS:
            if name not in declared:
                _check_unused(item, metric, arguments, [name], None)


def _check_unused(
    item: Item, metric: Metric, arguments: tuple[Any, ...], names: Sequence[str], whole: Result | None
) -> None:
    """Note a metric that cannot do without what it does not declare, or whose values change."""
    spared = [name for name in names if _has(arguments, name)]
    bare = _without(arguments, spared)
    if not spared or _refuses(metric, bare) is not None:
        return  # refused by its own check, with a reason
    told = " and ".join(spared)
    try:
        with torch.no_grad():
            found = item.attempt(
                f"uses {told} of what it measures, and 'needs' does not say so", lambda: metric.measure(*bare)
            )
    except StopChecking:
        return
    # It may use what is known besides, if it says so: a picture names classes, a path ends at another label.
    said = any(says(type(metric), name.removesuffix("s"), type(metric.params)) for name in spared)
    if whole is not None and not said and (changed := differing(whole, found)):
        item.broken(
            f"gives another {changed[0]!r} without {told}, and 'needs' does not say that it uses any",
            type(metric).measure,
        )


def _refuses(metric: Metric, arguments: tuple[Any, ...]) -> VaehubError | None:
    try:
        refuse(metric, *arguments)
    except VaehubError as error:
        return error
    except LookupError as error:  # of a bare model, in the metric's own check
        return VaehubError(str(error))
    return None


def _has(arguments: tuple[Any, ...], name: str) -> bool:
    return name in OF_MODELS or any(isinstance(each, Dataset) and getattr(each, name) is not None for each in arguments)


def _without(arguments: tuple[Any, ...], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(
        Bare(each, [name for name in names if name in OF_MODELS])
        if isinstance(each, LatentModel) and set(names) & set(OF_MODELS)
        else _data_without(each, names)
        if isinstance(each, Dataset)
        else each
        for each in arguments
    )


def _data_without(data: Dataset, names: Sequence[str]) -> Dataset:
    return Dataset(
        data.stored,
        labels=None if "labels" in names else data.labels,
        factors=None if "factors" in names else data.factors,
        splits=data.splits,
        class_names=None if "labels" in names else data.class_names,
        name=data.name,
    )
