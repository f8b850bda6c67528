"""What the documentation says of how the ARD paper's networks start, beside the released code."""

import torch
from torch import nn

from vaehub import DataSpec
from vaehub.core.random import seeded_construction
from vaehub.plugins.networks.convolutions.ard import ArdCeleba, ArdCifar, ArdMnist, ArdSynthetic

SIDES = {ArdMnist: 32, ArdCeleba: 64, ArdCifar: 32, ArdSynthetic: 64}


def built(kind):
    with seeded_construction(0):
        return kind(kind.Params(), DataSpec((1, SIDES[kind], SIDES[kind]), in_unit_interval=True), 16, 2)


def test_batch_normalisation_is_pytorchs():
    for kind in (ArdMnist, ArdCeleba, ArdCifar):
        layers = [layer for layer in built(kind).modules() if isinstance(layer, nn.BatchNorm2d)]
        assert layers
        assert {(layer.momentum, layer.eps) for layer in layers} == {(0.1, 1e-5)}
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in built(ArdSynthetic).modules())


def test_dense_layers_start_as_released_but_for_mnist():
    for kind in SIDES:
        (dense,) = (layer for layer in built(kind).encoder.modules() if isinstance(layer, nn.Linear))
        inputs, outputs = dense.in_features, dense.out_features
        variance = 2 / inputs if kind is ArdMnist else 2 / (inputs + outputs)
        # Of so many weights the variance is known to a per cent.
        found = float(dense.weight.detach().double().var())
        assert abs(found / variance - 1) < 4 * (2 / dense.weight.numel()) ** 0.5
        largest = float(dense.weight.detach().abs().max())
        assert (largest > (3 * variance) ** 0.5) == (kind is ArdMnist)  # a normal goes beyond a uniform's end


def test_the_encoder_sees_twice_the_image_less_one_but_for_cifar():
    for kind, centred in ((ArdMnist, True), (ArdCeleba, True), (ArdCifar, False)):
        seen = []
        network = built(kind).eval()
        first = next(layer for layer in network.encoder.modules() if isinstance(layer, nn.Conv2d))
        first.register_forward_hook(lambda layer, inputs, output, seen=seen: seen.append(inputs[0]))
        x = torch.rand(2, 1, SIDES[kind], SIDES[kind])
        network.encoder(x)
        torch.testing.assert_close(seen[0], 2 * x - 1 if centred else x)
