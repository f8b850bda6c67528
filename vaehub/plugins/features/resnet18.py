"""ResNet-18 up to its last average (He et al. 2016), with weights that a user brings.

Names of layers are those of torchvision's files, which timm has too, so that they load as they are.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from vaehub.adapters import load_weights

N_FEATURES = 512
WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages: He et al. 2016, Table 1."""
UNUSED = ("fc", "num_batches_tracked")
"""Parts of names in files that features do without: the layer that makes classes, and counts of batches."""


class Norm(nn.Module):
    """Batch normalisation by statistics that stay as they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return normalised channels."""
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which a 1x1 convolution fits to another shape: Figure 2 and option B."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = Norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = Norm(outputs)
        fits = inputs == outputs and stride == 1
        self.downsample = (
            nn.Identity() if fits else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), Norm(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the rectified sum of both ways."""
        inner = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


class ResNet18(nn.Module):
    """The network up to its last average: images as :func:`as_imagenet` makes them, to ``(n, 512)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = Norm(WIDTHS[0])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(Block(inputs, outputs, 1 if at == 0 else 2), Block(outputs, outputs, 1))
            for at, (inputs, outputs) in enumerate(zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))  # type: ignore[no-any-return]


def load_resnet18(path: Path) -> ResNet18:
    """Return the network with the weights of a file, having left out what makes classes of features.

    Raises:
        VaehubError: If a weight is missing, unknown, of another shape, NaN or infinite.
    """
    network = ResNet18()
    load_weights(network, path, is_unused=lambda name: any(part in UNUSED for part in name.split(".")))
    return network.eval().requires_grad_(False)
