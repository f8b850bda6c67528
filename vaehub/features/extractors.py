"""What makes features of observations: nothing, a network for ImageNet, a trained encoder, or a user's own module."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from vaehub.adapters.modules import import_object, load_weights
from vaehub.core.data.dataset import Batch
from vaehub.core.errors import DataError, VaehubError, first_line
from vaehub.core.model import LatentModel
from vaehub.core.random import seeded_construction
from vaehub.core.result import Table
from vaehub.features.imagenet import as_imagenet, load_imagenet
from vaehub.features.inception import as_inception, load_inception
from vaehub.features.params import FeatureParams
from vaehub.features.weights import seen, weights_file

FeatureExtractor = Callable[[Batch], Tensor]
"""Gives features ``(n, n_features)`` of some observations, without gradients."""


def feature_extractor(
    params: FeatureParams, model_of: Callable[[str], LatentModel], device: torch.device
) -> FeatureExtractor:
    """Return what makes the features that parameters name, by networks in evaluation mode.

    Args:
        params: Name the features.
        model_of: Returns the model of a stored training: that of the metric.
        device: Where networks are put, but for that of a training, which stays where it is.

    Raises:
        VaehubError: If weights, a training or a module cannot be had, now; or if the extractor does not take the
            observations, or gives no features, when it is used.
    """
    weights = _weights(params)
    if params.features == "training":
        assert params.training is not None, "validated"
        made = _by_training(model_of(params.training))
    elif params.features == "module":
        assert params.module is not None, "validated"
        made = _by_module(params.module, weights, device)
    elif weights is None:
        made = _by_pixels(device)
    elif params.features == "inception":
        made = _by_images("inception", as_inception, load_inception(weights), device)
    else:
        made = _by_images("imagenet", as_imagenet, load_imagenet(weights), device)
    return torch.no_grad()(made)


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


def _weights(params: FeatureParams) -> Path | None:
    """Return the file of the weights, which may have changed, or was never named, since its checksum was taken."""
    try:
        file = weights_file(params.features, params.weights)
        if file is not None:
            seen(file, params.content)
    except ValueError as error:
        raise VaehubError(str(error)) from error
    if file is None and params.content is not None:
        raise VaehubError(
            f"module {params.module!r} has weights of {params.content}, and no file is named; set "
            "'-s metric.weights=FILE'"
        )
    return file


def _by_pixels(device: torch.device) -> FeatureExtractor:
    return lambda batch: batch.x.to(device).flatten(1)


def _by_images(
    features: str, prepared: Callable[[Tensor], Tensor], network: nn.Module, device: torch.device
) -> FeatureExtractor:
    network.to(device)

    def extract(batch: Batch) -> Tensor:
        shape = tuple(batch.x.shape[1:])
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise DataError(
                f"features {features!r} are of grey or coloured images, and these observations have shape {shape}; "
                "'pixels' are of any"
            )
        found: Tensor = network(prepared(batch.x.to(device)))
        return found

    return extract


def _by_training(model: LatentModel) -> FeatureExtractor:
    def extract(batch: Batch) -> Tensor:
        shape = tuple(batch.x.shape[1:])
        if shape != model.spec.shape:
            raise DataError(
                f"the training that makes features encodes observations of shape {model.spec.shape}, and these have "
                f"shape {shape}; name a training on the same data"
            )
        known = (None if each is None else each.to(model.device) for each in (batch.labels, batch.factors))
        try:
            return model.encode(Batch(batch.x.to(model.device), *known)).mu
        except VaehubError as error:
            alone = " alone" if batch.labels is None and batch.factors is None else ""
            raise VaehubError(f"the training that makes features is given observations{alone}: {error}") from error

    return extract


def _by_module(path: str, weights: Path | None, device: torch.device) -> FeatureExtractor:
    # A module without a file of weights draws them: the same ones whenever it is made.
    with seeded_construction(0):
        module = import_object(path)
    if not isinstance(module, nn.Module):
        raise VaehubError(f"{path!r} gives a {type(module).__name__}; a torch module is needed")
    if weights is not None:
        load_weights(module, weights)
    module.to(device).eval()

    def extract(batch: Batch) -> Tensor:
        try:
            found = module(batch.x.to(device))
        # A user's module runs here.
        except Exception as error:
            raise VaehubError(
                f"module {path!r} cannot take observations of shape {tuple(batch.x.shape[1:])}: {first_line(error)}"
            ) from error
        return _rows(found, len(batch), path)

    return extract


def _rows(found: object, n: int, path: str) -> Tensor:
    if isinstance(found, Tensor) and found.ndim >= 2 and len(found) == n and found.numel() and not found.is_complex():
        return found.flatten(1)
    given = f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    raise VaehubError(
        f"module {path!r} gives {given} for {n} observations; a tensor of real numbers of shape ({n}, n_features) is "
        "needed"
    )
