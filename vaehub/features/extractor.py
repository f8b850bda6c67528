"""The contract of a feature extractor, and how one is loaded so that a fault of it is one sentence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from vaehub.core.data.dataset import Batch
from vaehub.core.errors import ContractBroken, VaehubError, first_line
from vaehub.core.metric import Extract
from vaehub.core.metric import FindModel as FindModel
from vaehub.core.model import LatentModel
from vaehub.core.params import P_co, Parametrised, Params
from vaehub.core.random import seeded_construction
from vaehub.core.result import Table
from vaehub.features.params import FeatureParams


class FeatureExtractor(Parametrised[P_co], ABC):
    """Makes features of observations; a plugin declares it in its manifest as :class:`vaehub.registry.Features`.

    The type argument is the class of the parameters: ``class Patches(FeatureExtractor[PatchesParams])``.

    Weights are loaded in ``__init__``; weights drawn there are the same ones each time.

    Args:
        params: Validated parameters; with a file of weights they derive from :class:`WeightsParams`.
        device: Where a network is to be put.
        models: Returns the model of a stored training.

    Attributes:
        title: How messages call it, where its name in the catalog says too little.
    """

    title: str | None = None

    def __init__(self, params: P_co, device: torch.device, models: FindModel | None = None) -> None:
        self.params = params
        self.device = device
        self._models = models

    def model_of(self, training: str) -> LatentModel:
        """Return the model of a stored training, as :meth:`vaehub.ModelMetric.model_of` does.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        if self._models is None:
            raise VaehubError(f"training {training!r} is looked for in a store, and there is none here")
        return self._models(training)

    @abstractmethod
    def __call__(self, batch: Batch) -> Tensor:
        """Return the features of some observations, ``(n, n_features)``; called with gradients off.

        Raises:
            VaehubError: If it is not for such observations; says which they would be. Asked before any work is done.
        """


def load_extractor(
    kind: type[FeatureExtractor[Any]],
    params: Params,
    *,
    name: str,
    device: torch.device,
    models: FindModel | None = None,
) -> Extract:
    """Return what makes features, with its contract checked at every call.

    Args:
        kind: The extractor's class.
        params: Its parameters.
        name: Its name in the catalog.
        device: Where networks are put.
        models: Returns the model of a stored training.

    Raises:
        VaehubError: If it cannot be made, now; or, when it is called, if it cannot take observations or gives no
            features.
    """
    named = f"feature extractor {name!r}"
    try:
        # Weights that an extractor draws are the same ones whenever it is made.
        with seeded_construction(0):
            extractor = kind(params, device, models)
    except (VaehubError, KeyboardInterrupt):
        raise
    # A stranger's extractor runs here, and what it raises need be no Exception.
    except BaseException as error:
        raise VaehubError(f"{named} cannot be made: {first_line(error)}") from error
    title = extractor.title or named

    @torch.no_grad()
    def extract(batch: Batch) -> Tensor:
        try:
            found = extractor(batch)
        except (VaehubError, KeyboardInterrupt):
            raise
        # And here.
        except BaseException as error:
            shape = tuple(batch.x.shape[1:])
            raise VaehubError(f"{title} cannot take observations of shape {shape}: {first_line(error)}") from error
        return _rows(found, len(batch), title)

    return extract


def feature_table(params: FeatureParams, n_features: int) -> Table:
    """Return what a result says of its features: which they are, by which module and weights, and how many."""
    return Table(
        {
            "features": [params.features],
            "module": [params.module or "none"],
            "weights": [params.content or params.training or "none"],
        },
        {"n_features": [n_features]},
    )


def _rows(found: object, n: int, title: str) -> Tensor:
    if isinstance(found, Tensor) and found.ndim >= 2 and len(found) == n and found.numel() and not found.is_complex():
        return found.flatten(1)
    given = f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    raise ContractBroken(
        f"{title} gives {given} for {n} observations; a tensor of real numbers of shape ({n}, n_features) is needed"
    )
