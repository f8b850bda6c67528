"""EfficientNet-Lite0 as it was trained on ImageNet, from packages that bring the network and its weights."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from vaehub.adapters import load_weights
from vaehub.plugins.features.weights import NETWORK

SIDE = 224
"""Side of the images that the network was trained on, in pixels."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels of ImageNet, as its networks expect them to be taken off and divided by."""


class Pooled(nn.Module):
    """The network up to its last average: images as :func:`as_imagenet` makes them, to ``(n, 1280)``.

    Args:
        network: Has ``extract_features``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        extract = cast(Callable[[Tensor], Tensor], self.network.extract_features)
        return extract(x).mean(dim=(2, 3))


def load_imagenet(path: Path) -> Pooled:
    """Return the network with the weights that are packaged."""
    network: nn.Module = import_module(NETWORK).EfficientNet.from_name("efficientnet-lite0")
    load_weights(network, path)
    return Pooled(network.eval().requires_grad_(False)).eval()


def as_imagenet(x: Tensor) -> Tensor:
    """Return images as networks for ImageNet take them: three channels, 224x224, normalised.

    Args:
        x: Grey or coloured, in [0, 1], shape ``(n, 1 or 3, h, w)``.
    """
    large = functional.interpolate(x, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    mean, std = (x.new_tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (large.expand(-1, 3, -1, -1) - mean) / std
