"""What makes an embedding of an observation: a trained encoder, a user's own module, a network for ImageNet."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub import DataError, Dataset, LatentModel, VaehubError, first_line, imported, load_weights, task
from vaehub.plugins.diversity.params import NETWORK, imagenet_weights

Embed = Callable[[Dataset], Tensor]
"""Gives one row for each observation, shape ``(n, n_features)``."""

BATCH = 64
"""Observations that go through a module at once; bounds memory, changes no result."""
SIDE = 224
"""Side of the images that the network for ImageNet was trained on, in pixels."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels of ImageNet, as its networks expect them to be taken off and divided by."""


def by_encoder(model: LatentModel) -> Embed:
    """Return what embeds by posterior means."""

    def embed(data: Dataset) -> Tensor:
        if data.spec.shape != model.spec.shape:
            raise DataError(
                f"the encoder was trained on observations of shape {model.spec.shape}, and these have shape "
                f"{data.spec.shape}; prepare them as those were"
            )
        return model.encode_all(data).mu

    return embed


def by_module(path: str, weights: Path | None) -> Embed:
    """Return what embeds by a user's own module.

    Raises:
        VaehubError: If it cannot be had, now, or gives no rows, when it is used.
    """
    module = imported(path)
    if not isinstance(module, nn.Module):
        raise VaehubError(f"{path!r} gives a {type(module).__name__}; a torch module is needed")
    if weights is not None:
        load_weights(module, weights)

    def embed(data: Dataset) -> Tensor:
        return _batched(lambda x: _rows(module, x, path), module, data)

    return embed


def by_imagenet() -> Embed:
    """Return what embeds by the pooled last features of EfficientNet-Lite0, trained on ImageNet."""
    network = import_module(NETWORK).EfficientNet.from_name("efficientnet-lite0")
    load_weights(network, imagenet_weights())

    def embed(data: Dataset) -> Tensor:
        shape = data.spec.shape
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise DataError(f"'imagenet' embeds grey or coloured images, and these have shape {shape}")
        return _batched(lambda x: network.extract_features(as_imagenet(x)).mean(dim=(2, 3)), network, data)

    return embed


def as_imagenet(x: Tensor) -> Tensor:
    """Return images as networks for ImageNet take them: three channels, 224x224, normalised.

    Args:
        x: Grey or coloured, in [0, 1], shape ``(n, 1 or 3, h, w)``.
    """
    large = functional.interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    mean, std = (x.new_tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (large.expand(-1, 3, -1, -1) - mean) / std


@torch.no_grad()
def _batched(embed: Callable[[Tensor], Tensor], module: nn.Module, data: Dataset) -> Tensor:
    module.to(data.device).eval()
    parts = []
    with task("embedding images", len(data)) as advance:
        for batch in data.batches(BATCH):
            parts.append(embed(batch.x))
            advance(len(batch))
    return torch.cat(parts)


def _rows(module: nn.Module, x: Tensor, path: str) -> Tensor:
    try:
        found = module(x)
    # A user's module runs here.
    except Exception as error:
        raise VaehubError(
            f"module {path!r} cannot take observations of shape {tuple(x.shape[1:])}: {first_line(error)}"
        ) from error
    if not isinstance(found, Tensor) or found.ndim < 2 or len(found) != len(x):
        given = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise VaehubError(
            f"module {path!r} gives {given} for {len(x)} observations; a tensor of shape ({len(x)}, n_features) is "
            "needed"
        )
    return found.flatten(1)
