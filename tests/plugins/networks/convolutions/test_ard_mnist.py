"""The convolutional network of the ARD paper."""

import pytest
import torch

from vaehub import DataSpec, VaehubError
from vaehub.plugins.networks.convolutions.ard import ArdMnist
from vaehub.plugins.networks.convolutions.params import ArdMnistParams


def network(shape=(1, 32, 32), channels=(64, 128, 256, 512), latent_dim=16):
    return ArdMnist(ArdMnistParams(channels=channels), DataSpec(shape, True), latent_dim, 2)


def test_layers_are_those_of_the_supplementary_table():
    encoder = network().encoder
    convolutions = [layer for layer in encoder if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 256, 512]
    assert {(*layer.kernel_size, *layer.stride) for layer in convolutions} == {(4, 4, 2, 2)}
    assert (encoder[-1].in_features, encoder[-1].out_features) == (2048, 32)


def test_shapes_mirror_each_other():
    net = network(shape=(3, 16, 32), channels=(4, 8), latent_dim=5)
    statistics = net.encoder(torch.rand(2, 3, 16, 32))
    assert statistics.shape == (2, 10)
    assert net.decoder(statistics[:, :5]).shape == (2, 3, 16, 32)


def test_the_encoder_sees_grey_as_zero():
    net = network(channels=(4, 8)).eval()
    assert torch.equal(net.encoder[0](torch.full((1, 1, 32, 32), 0.5)), torch.zeros(1, 1, 32, 32))


def test_convolutions_start_he_normal():
    weight = network().encoder[4].weight.detach()
    fan_in = weight[0].numel()
    assert float(weight.std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((1, 28, 28), r"multiples of 16, got shape .*data.pad=2"), ((784,), r"takes images .* got shape \(784,\)")],
)
def test_images_that_cannot_be_halved_are_refused(shape, words):
    with pytest.raises(VaehubError, match=words):
        network(shape=shape)
