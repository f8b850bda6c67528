"""Order of layers, their padding and their first weights."""

import pytest
import torch
from network_samples import build, kinds, outputs, seeded
from torch import nn
from torch.nn import functional

from vaehub import Params
from vaehub.plugins.networks.convolutions.ard import ArdCeleba, ArdCifar, ArdSynthetic
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins, FcHiggins, same_padding
from vaehub.plugins.networks.convolutions.intervention import ConvBn
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.params import (
    ArdCelebaParams,
    ArdCifarParams,
    ArdSyntheticParams,
    ConvHigginsParams,
    ConvResponseParams,
    FcHigginsParams,
    LinearParams,
)
from vaehub.plugins.networks.convolutions.response import ConvResponse


def test_layers_of_conv_bn_are_in_the_order_of_its_table():
    net = build(ConvBn, Params(), (1, 28, 28), 20)
    assert kinds(net.encoder) == "Conv2d BatchNorm2d ReLU " * 3 + "Flatten Linear"
    assert kinds(net.decoder) == "Linear Unflatten " + "ConvTranspose2d BatchNorm2d ReLU " * 2 + "Conv2d"
    assert outputs(net.encoder, torch.zeros(1, 1, 28, 28)) == [
        (32, 14, 14), (64, 7, 7), (128, 7, 7), (6272,), (40,),
    ]  # fmt: skip
    assert outputs(net.decoder, torch.zeros(1, 20)) == [
        (6272,), (128, 7, 7), (64, 14, 14), (32, 28, 28), (1, 28, 28),
    ]  # fmt: skip


def test_layers_of_conv_higgins_are_in_the_order_of_its_table():
    net = build(ConvHiggins, ConvHigginsParams(), (3, 64, 64), 10)
    assert kinds(net.encoder) == "Conv2d ReLU " * 4 + "Flatten Linear ReLU Linear"
    assert kinds(net.decoder) == "Linear ReLU Linear ReLU Unflatten " + "ConvTranspose2d ReLU " * 3 + "ConvTranspose2d"
    assert outputs(net.encoder, torch.zeros(1, 3, 64, 64)) == [
        (32, 32, 32), (32, 16, 16), (64, 8, 8), (64, 4, 4), (1024,), (256,), (20,),
    ]  # fmt: skip
    assert outputs(net.decoder, torch.zeros(1, 10)) == [
        (256,), (1024,), (64, 4, 4), (64, 8, 8), (32, 16, 16), (32, 32, 32), (3, 64, 64),
    ]  # fmt: skip


def test_layers_of_fc_higgins_are_in_the_order_of_its_table():
    net = build(FcHiggins, FcHigginsParams(decoder_widths=(256, 1200, 1200)), (1, 8, 8), 10)
    assert kinds(net.encoder) == "Flatten Linear ReLU Linear ReLU Linear"
    assert kinds(net.decoder) == "Linear Tanh Linear Tanh Linear Tanh Linear Unflatten"
    assert outputs(net.decoder, torch.zeros(1, 10)) == [(256,), (1200,), (64,), (1, 8, 8)]


def test_layers_of_ard_celeba_are_in_the_order_of_its_table():
    net = build(ArdCeleba, ArdCelebaParams(), (3, 64, 64), 64)
    assert kinds(net.encoder) == "_Centred " + "Conv2d BatchNorm2d ReLU " * 4 + "Flatten Linear"
    assert kinds(net.decoder) == (
        "Linear Unflatten " + "ConvTranspose2d BatchNorm2d ReLU " * 3 + "ConvTranspose2d ZeroPad2d"
    )
    assert outputs(net.encoder, torch.zeros(1, 3, 64, 64)) == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (8192,), (128,),
    ]  # fmt: skip
    assert outputs(net.decoder, torch.zeros(1, 64)) == [
        (32768,), (512, 8, 8), (256, 16, 16), (128, 32, 32), (64, 64, 64), (3, 65, 65), (3, 64, 64),
    ]  # fmt: skip


def test_layers_of_ard_cifar_are_in_the_order_of_its_table():
    net = build(ArdCifar, ArdCifarParams(channels=(2, 4, 8, 16)), (3, 32, 32), 6)
    assert kinds(net.encoder) == "Conv2d BatchNorm2d ReLU " * 4 + "Flatten Linear"
    assert kinds(net.decoder) == (
        "Linear Unflatten " + "ConvTranspose2d BatchNorm2d ReLU " * 2 + "ConvTranspose2d ZeroPad2d"
    )
    assert outputs(net.encoder, torch.zeros(1, 3, 32, 32)) == [
        (2, 16, 16), (4, 8, 8), (8, 4, 4), (16, 2, 2), (64,), (12,),
    ]  # fmt: skip
    assert outputs(net.decoder, torch.zeros(1, 6)) == [
        (1024,), (16, 8, 8), (8, 16, 16), (4, 32, 32), (3, 33, 33), (3, 32, 32),
    ]  # fmt: skip


def test_layers_of_ard_synthetic_are_in_the_order_of_its_table():
    net = build(ArdSynthetic, ArdSyntheticParams(), (1, 64, 64), 10)
    assert kinds(net.encoder) == "Conv2d ReLU " * 4 + "Flatten Linear"
    assert kinds(net.decoder) == "Linear Unflatten " + "ConvTranspose2d ReLU " * 3 + "ConvTranspose2d"
    assert outputs(net.encoder, torch.zeros(1, 1, 64, 64)) == [
        (32, 32, 32), (32, 16, 16), (64, 8, 8), (64, 4, 4), (1024,), (20,),
    ]  # fmt: skip
    assert outputs(net.decoder, torch.zeros(1, 10)) == [
        (1024,), (64, 4, 4), (64, 8, 8), (32, 16, 16), (32, 32, 32), (1, 64, 64),
    ]  # fmt: skip


@pytest.mark.parametrize(("side", "n_blocks"), [(64, 5), (32, 4), (4, 1)])
def test_layers_of_conv_response_are_in_the_order_of_its_appendix(side, n_blocks):
    net = build(ConvResponse, ConvResponseParams(), (3, side, side), 12)
    assert kinds(net.encoder) == "Conv2d MaxPool2d GroupNorm ELU " * n_blocks + "Flatten Linear ELU Linear ELU Linear"
    assert kinds(net.decoder) == (
        "Linear ELU Linear ELU Linear Unflatten "
        + "Upsample Conv2d GroupNorm ELU " * (n_blocks - 1)
        + "Upsample Conv2d"
    )
    assert [layer.kernel_size[0] for layer in net.encoder if isinstance(layer, nn.Conv2d)] == [5] + [3] * (n_blocks - 1)
    assert {layer.num_groups for layer in net.encoder if isinstance(layer, nn.GroupNorm)} == {8}
    linear = [
        [(layer.in_features, layer.out_features) for layer in part if isinstance(layer, nn.Linear)]
        for part in (net.encoder, net.decoder)
    ]
    assert linear == [[(256, 256), (256, 128), (128, 24)], [(12, 128), (128, 256), (256, 256)]]
    up = [layer for layer in net.decoder if isinstance(layer, nn.Upsample)]
    assert {(layer.mode, layer.scale_factor) for layer in up} == {("bilinear", 2.0)}


def test_conv_response_has_the_third_elu_of_figure_8_if_asked():
    net = build(ConvResponse, ConvResponseParams(third_elu=True), (3, 64, 64), 12)
    assert kinds(net.decoder).startswith("Linear ELU Linear ELU Linear ELU Unflatten Upsample")
    # Trainings from before the option keep their identity.
    assert "third_elu" not in ConvResponseParams().identity()
    assert ConvResponseParams(third_elu=True).identity()["third_elu"] is True


def test_linear_is_linear_but_for_its_constants():
    x, z = torch.randn(3, 1, 4, 4), torch.randn(3, 5)
    net = build(Linear, LinearParams(bias=False), (1, 4, 4))
    torch.testing.assert_close(net.encoder(2 * x), 2 * net.encoder(x))
    torch.testing.assert_close(net.decoder(2 * z), 2 * net.decoder(z))
    net = build(Linear, LinearParams(), (1, 4, 4))
    torch.testing.assert_close(net.encoder(2 * x) - net.encoder(x), net.encoder(x) - net.encoder(0 * x))
    torch.testing.assert_close(net.decoder(2 * z) - net.decoder(z), net.decoder(z) - net.decoder(0 * z))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("side", [2, 4, 8, 64])
def test_same_padding_is_tensorflow_s(kernel, side):
    # TensorFlow's documentation of tf.nn, "Notes on padding": the sides' total makes ceil(side / stride) outputs fit.
    total = max((-(-side // 2) - 1) * 2 + kernel - side, 0)
    assert same_padding(kernel) == (total // 2, total - total // 2)


def test_kernel_2_has_no_padding_and_kernel_4_has_one_pixel_on_each_side():
    assert (same_padding(2), same_padding(4)) == ((0, 0), (1, 1))
    encoder = build(ConvHiggins, ConvHigginsParams(), (1, 64, 64)).encoder
    convolutions = [layer for layer in encoder if isinstance(layer, nn.Conv2d)]
    assert [layer.padding for layer in convolutions] == [(1, 1), (1, 1), (0, 0), (0, 0)]


def test_an_odd_kernel_has_its_odd_pixel_after_the_image():
    encoder = build(ConvHiggins, ConvHigginsParams(kernel_sizes=(3, 4, 2, 2)), (1, 64, 64)).encoder
    assert encoder[0].padding == (0, 1, 0, 1)
    assert encoder[1].padding == (0, 0)


@pytest.mark.parametrize(("kind", "params"), [(ArdCeleba, ArdCelebaParams), (ArdCifar, ArdCifarParams)])
def test_the_last_convolution_is_tensorflow_s_same_transposed_convolution(kind, params):
    *_, last, cropped = build(kind, params(channels=(3, 5)), (2, 8, 8)).decoder
    x = torch.randn(1, last.in_channels, 8, 8, dtype=torch.float64)
    # TensorFlow defines it as the gradient of a 'same' convolution, which pads kernel 4 by 1 before and 2 after.
    weight = last.weight.detach().double()
    image = torch.zeros(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    functional.conv2d(functional.pad(image, (1, 2, 1, 2)), weight).backward(x)
    torch.testing.assert_close(cropped(last.double()(x)), image.grad)


def test_ard_celeba_sees_grey_as_zero_where_data_are_in_the_unit_interval():
    params = ArdCelebaParams(channels=(4, 8))
    grey = torch.full((1, 3, 8, 8), 0.5)
    assert torch.equal(build(ArdCeleba, params, (3, 8, 8)).encoder[0](grey), torch.zeros(1, 3, 8, 8))
    assert isinstance(build(ArdCeleba, params, (3, 8, 8), bounded=False).encoder[0], nn.Conv2d)


@pytest.mark.parametrize(("kind", "params"), [(ArdCeleba, ArdCelebaParams), (ArdSynthetic, ArdSyntheticParams)])
def test_convolutions_before_a_relu_start_he_normal_and_the_last_one_glorot_uniform(kind, params):
    net = seeded(kind, params(channels=(64, 64, 64)), (3, 16, 16))
    inner = [layer for layer in net.decoder if isinstance(layer, nn.ConvTranspose2d)]
    first = next(layer for layer in net.encoder if isinstance(layer, nn.Conv2d))
    # Standard error of the spread of n normal numbers is 1 / sqrt(2 n): under 2 % for 3 x 64 x 16, so 7 % is safe.
    assert float(first.weight.detach().std()) == pytest.approx((2 / (3 * 16)) ** 0.5, rel=0.07)
    assert float(inner[0].weight.detach().std()) == pytest.approx((2 / (64 * 16)) ** 0.5, rel=0.07)
    assert float(inner[-1].weight.detach().abs().max()) <= (6 / ((64 + 3) * 16)) ** 0.5
    assert not any(layer.bias.any() for layer in inner)
