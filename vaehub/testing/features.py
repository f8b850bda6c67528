"""What feature extractors promise."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from vaehub.core.data.dataset import Batch
from vaehub.core.errors import ContractBroken, VaehubError, first_line
from vaehub.core.metric import Extract
from vaehub.features.extractor import FeatureExtractor, load_extractor
from vaehub.testing.bench import bench, data
from vaehub.testing.failures import Item, NotChecked
from vaehub.testing.guards import class_of, scrambled, untouched
from vaehub.testing.parameters import check_params

DATA = ("grey", "colour", "vectors")


def check(item: Item, settings: Mapping[str, object] | None = None) -> None:
    """Note the promises of a feature extractor that are not kept."""
    kind = class_of(item, FeatureExtractor)
    check_params(item)
    params = item.params(dict(settings or {}))
    models = bench().runner.builder.model_of

    def made() -> Extract:
        return load_extractor(kind, params, name=item.registered.entry.name, device=torch.device("cpu"), models=models)

    refusal, taken = "", 0
    for of in DATA:
        batch = Batch(data(of).x[:5])

        def features() -> torch.Tensor | None:
            nonlocal refusal
            try:
                return made()(batch)  # noqa: B023 called at once
            except VaehubError as error:
                if isinstance(error, ContractBroken) or (
                    error.__cause__ is not None and not isinstance(error.__cause__, VaehubError)
                ):
                    raise  # a fault of the extractor, and no refusal
                refusal = refusal or first_line(error)
                return None

        with scrambled(1), untouched(item, "is used"):
            found = item.attempt(f"fails on observations of shape {tuple(batch.x.shape[1:])}", features)
        if found is None:
            continue
        taken += 1
        with scrambled(2):
            again = features()
        if again is None or not torch.equal(found, again):
            item.broken("gives other features each time for the same observations", kind)
        if not bool(torch.isfinite(found.double()).all()):
            item.broken("gives NaN or infinity", kind)
        alone = made()(Batch(batch.x[:1]))
        if not torch.allclose(alone.double(), found[:1].double(), atol=1e-4, rtol=1e-3):
            item.broken("gives an observation other features among others than alone", kind)
        if found.requires_grad:
            item.broken("gives features with gradients", kind)
    if not taken:
        raise NotChecked(f"{item.title} takes none of the kit's data: {refusal}")
