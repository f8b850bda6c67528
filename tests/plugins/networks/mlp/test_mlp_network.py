"""The fully connected network."""

import pytest
import torch

from vaehub import DataSpec
from vaehub.plugins.networks.mlp.network import ACTIVATIONS, Mlp
from vaehub.plugins.networks.mlp.params import MlpParams


def linear_sizes(module):
    return [(layer.in_features, layer.out_features) for layer in module if isinstance(layer, torch.nn.Linear)]


def test_decoder_mirrors_the_encoder():
    net = Mlp(MlpParams(hidden=(400, 100)), DataSpec((1, 28, 28), True), 20, 2)
    assert linear_sizes(net.encoder) == [(784, 400), (400, 100), (100, 40)]
    assert linear_sizes(net.decoder) == [(20, 100), (100, 400), (400, 784)]


def test_no_hidden_layer_is_a_linear_network():
    net = Mlp(MlpParams(hidden=()), DataSpec((5,), False), 2, 1)
    x = torch.rand(3, 5)
    torch.testing.assert_close(net.encoder(2 * x) - net.encoder(x), net.encoder(x) - net.encoder(0 * x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_stands_between_layers_and_not_after_the_last(activation):
    net = Mlp(MlpParams(activation=activation), DataSpec((2, 3, 3), True), 2, 2)
    assert sum(isinstance(layer, ACTIVATIONS[activation]) for layer in net.encoder) == 1
    assert net.decoder(net.encoder(torch.rand(4, 2, 3, 3))[:, :2]).shape == (4, 2, 3, 3)
