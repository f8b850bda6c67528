"""The networks of the papers: shapes, sizes worked out by hand, order of layers, and what is refused."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from vaehub import DataSpec, Params, VaehubError
from vaehub.plugins.convolutions import vaehub_catalog
from vaehub.plugins.convolutions.ard import ArdCeleba, ArdCifar, ArdSynthetic
from vaehub.plugins.convolutions.higgins import ConvHiggins, FcHiggins, same_padding
from vaehub.plugins.convolutions.intervention import ConvBn
from vaehub.plugins.convolutions.linear import Linear
from vaehub.plugins.convolutions.mnist import ConvMnist
from vaehub.plugins.convolutions.params import (
    ArdCelebaParams,
    ArdCifarParams,
    ArdSyntheticParams,
    ConvHigginsParams,
    ConvMnistParams,
    ConvResponseParams,
    LinearParams,
)
from vaehub.plugins.convolutions.response import ConvResponse
from vaehub.registry import Network as Entry

# Few channels where a network allows it: shapes and gradients do not depend on how many there are.
SMALL = [
    (ConvBn, Params(), (1, 28, 28)),
    (ConvBn, Params(), (3, 8, 16)),
    (ConvMnist, ConvMnistParams(hidden=16), (1, 28, 28)),
    (ConvHiggins, ConvHigginsParams(), (1, 64, 64)),
    (ConvHiggins, ConvHigginsParams(kernel_sizes=(4, 4, 4, 4)), (3, 64, 64)),
    (ConvHiggins, ConvHigginsParams(kernel_sizes=(5, 3, 2, 1)), (3, 32, 48)),
    (FcHiggins, Params(), (1, 8, 8)),
    (FcHiggins, Params(), (7,)),
    (ArdCeleba, ArdCelebaParams(channels=(4, 8, 12, 16)), (3, 64, 64)),
    (ArdCeleba, ArdCelebaParams(channels=(4,)), (1, 2, 6)),
    (ArdCifar, ArdCifarParams(channels=(4, 8, 12, 16)), (3, 32, 32)),
    (ArdCifar, ArdCifarParams(channels=(4, 8)), (1, 8, 4)),
    (ArdSynthetic, ArdSyntheticParams(), (1, 64, 64)),
    (ArdSynthetic, ArdSyntheticParams(), (3, 64, 64)),
    (ConvResponse, ConvResponseParams(channels=16), (3, 64, 64)),
    (ConvResponse, ConvResponseParams(channels=8), (1, 32, 32)),
    (Linear, LinearParams(), (1, 28, 28)),
    (Linear, LinearParams(bias=False), (9,)),
]
NAMES = [f"{kind.__name__}-{'x'.join(map(str, shape))}" for kind, _, shape in SMALL]
each_network = pytest.mark.parametrize(("kind", "params", "shape"), SMALL, ids=NAMES)


def build(kind, params, shape, latent_dim=5, n_statistics=2, *, bounded=True):
    return kind(params, DataSpec(shape, bounded), latent_dim, n_statistics)


def seeded(*arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build(*arguments)


def sizes(kind, params, shape, latent_dim, n_statistics=2):
    """Numbers that are learned in the encoder and in the decoder, without making any."""
    with torch.device("meta"):
        net = build(kind, params, shape, latent_dim, n_statistics)
    return tuple(sum(p.numel() for p in part.parameters()) for part in (net.encoder, net.decoder))


def kinds(part):
    return " ".join(type(layer).__name__ for layer in part)


def outputs(part, x):
    """Shape of one observation after each layer that changes it."""
    found = []
    for layer in part.eval():
        before, x = x.shape, layer(x)
        found += [tuple(x.shape[1:])] if x.shape != before else []
    return found


@each_network
@pytest.mark.parametrize("n_statistics", [1, 2])
def test_encoder_and_decoder_have_the_shapes_that_they_promise(kind, params, shape, n_statistics):
    net = build(kind, params, shape, 5, n_statistics).eval()
    statistics = net.encoder(torch.rand(2, *shape))
    assert statistics.shape == (2, 5 * n_statistics)
    assert net.decoder(statistics[:, :5]).shape == (2, *shape)


@each_network
def test_gradients_reach_every_parameter(kind, params, shape):
    net = seeded(kind, params, shape)
    x = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0))
    statistics = net.encoder(x)
    (net.decoder(statistics[:, :5] + statistics[:, 5:]) - x).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        # Normalisation takes a constant away again, so the bias before it has a gradient of zero but for rounding.
        assert name.endswith("bias") or parameter.grad.any(), name


@each_network
def test_the_same_seed_gives_the_same_weights(kind, params, shape):
    first, second = seeded(kind, params, shape).state_dict(), seeded(kind, params, shape).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@each_network
@torch.no_grad()
def test_nothing_follows_the_last_layer_of_the_decoder(kind, params, shape):
    decoder = seeded(kind, params, shape).decoder.eval()
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    output = decoder(z)
    last = [layer for layer in decoder if list(layer.parameters())][-1]
    for parameter in last.parameters():
        parameter.mul_(-3)
    torch.testing.assert_close(decoder(z), -3 * output)


def test_size_of_conv_bn_is_that_of_its_table():
    encoder = (
        (1 * 32 * 16 + 32 + 2 * 32)  # kernel 4, bias, scale and shift of the normalisation
        + (32 * 64 * 16 + 64 + 2 * 64)
        + (64 * 128 * 9 + 128 + 2 * 128)
        + 2 * (6272 * 20 + 20)  # two heads
    )
    decoder = (20 * 6272 + 6272) + (128 * 64 * 16 + 64 + 2 * 64) + (64 * 32 * 16 + 32 + 2 * 32) + (32 * 1 * 9 + 1)
    assert sizes(ConvBn, Params(), (1, 28, 28), 20) == (encoder, decoder)


@pytest.mark.parametrize("channels", [1, 3])
def test_size_of_conv_higgins_is_that_of_the_code_bases(channels):
    encoder = (
        (channels * 32 * 16 + 32)
        + (32 * 32 * 16 + 32)
        + (32 * 64 * 4 + 64)
        + (64 * 64 * 4 + 64)
        + (1024 * 256 + 256)
        + 2 * (256 * 10 + 10)
    )
    decoder = (
        (10 * 256 + 256)
        + (256 * 1024 + 1024)
        + (64 * 64 * 16 + 64)
        + (64 * 32 * 16 + 32)
        + (32 * 32 * 16 + 32)
        + (32 * channels * 16 + channels)
    )
    assert sizes(ConvHiggins, ConvHigginsParams(), (channels, 64, 64), 10) == (encoder, decoder)


def test_printed_kernels_only_enlarge_the_third_and_fourth_convolution():
    code = sizes(ConvHiggins, ConvHigginsParams(), (1, 64, 64), 10)
    printed = sizes(ConvHiggins, ConvHigginsParams(kernel_sizes=(4, 4, 4, 4)), (1, 64, 64), 10)
    assert printed[0] - code[0] == (32 * 64 + 64 * 64) * (16 - 4)
    assert printed[1] == code[1]


def test_size_of_fc_higgins_is_that_of_the_code_bases():
    encoder = (4096 * 1200 + 1200) + (1200 * 1200 + 1200) + 2 * (1200 * 10 + 10)
    decoder = (10 * 1200 + 1200) + 2 * (1200 * 1200 + 1200) + (1200 * 4096 + 4096)
    assert sizes(FcHiggins, Params(), (1, 64, 64), 10) == (encoder, decoder)


def test_size_of_ard_celeba_is_that_of_its_table():
    encoder = (
        (3 * 64 * 16 + 3 * 64)  # bias, scale and shift
        + (64 * 128 * 16 + 3 * 128)
        + (128 * 256 * 16 + 3 * 256)
        + (256 * 512 * 16 + 3 * 512)
        + 2 * (8192 * 64 + 64)  # 4 x 4 x 512
    )
    decoder = (
        (64 * 32768 + 32768)  # 8 x 8 x 512
        + (512 * 256 * 16 + 3 * 256)
        + (256 * 128 * 16 + 3 * 128)
        + (128 * 64 * 16 + 3 * 64)
        + (64 * 3 * 16 + 3)
    )
    assert sizes(ArdCeleba, ArdCelebaParams(), (3, 64, 64), 64) == (encoder, decoder)


def test_size_of_ard_cifar_is_that_of_its_table():
    encoder = (
        (3 * 128 * 16 + 3 * 128)
        + (128 * 256 * 16 + 3 * 256)
        + (256 * 512 * 16 + 3 * 512)
        + (512 * 1024 * 16 + 3 * 1024)
        + 2 * (4096 * 128 + 128)  # 2 x 2 x 1024
    )
    decoder = (
        (128 * 65536 + 65536)  # 8 x 8 x 1024
        + (1024 * 512 * 16 + 3 * 512)
        + (512 * 256 * 16 + 3 * 256)
        + (256 * 3 * 16 + 3)
    )
    assert sizes(ArdCifar, ArdCifarParams(), (3, 32, 32), 128) == (encoder, decoder)


def test_size_of_ard_synthetic_is_that_of_its_table():
    encoder = (
        (1 * 32 * 16 + 32) + (32 * 32 * 16 + 32) + (32 * 64 * 16 + 64) + (64 * 64 * 16 + 64) + 2 * (1024 * 10 + 10)
    )
    decoder = (10 * 1024 + 1024) + (64 * 64 * 16 + 64) + (64 * 32 * 16 + 32) + (32 * 32 * 16 + 32) + (32 * 1 * 16 + 1)
    assert sizes(ArdSynthetic, ArdSyntheticParams(), (1, 64, 64), 10) == (encoder, decoder)


def test_conv_response_has_the_paper_s_500_000_parameters():
    block = 64 * 64 * 9 + 64 + 2 * 64  # kernel 3, bias, scale and shift of the normalisation
    encoder = (3 * 64 * 25 + 64 + 2 * 64) + 4 * block + (256 * 256 + 256) + (256 * 128 + 128) + 2 * (128 * 12 + 12)
    decoder = (12 * 128 + 128) + (128 * 256 + 256) + (256 * 256 + 256) + 4 * block + (64 * 3 * 9 + 3)
    assert sizes(ConvResponse, ConvResponseParams(), (3, 64, 64), 12) == (encoder, decoder)
    # Appendix A.4.2 says "approximately 500k".
    assert encoder + decoder == pytest.approx(500_000, rel=0.02)


def test_conv_response_drops_a_block_on_each_side_for_32_pixels():
    block = 64 * 64 * 9 + 64 + 2 * 64
    large = sizes(ConvResponse, ConvResponseParams(), (3, 64, 64), 12)
    small = sizes(ConvResponse, ConvResponseParams(), (3, 32, 32), 12)
    assert (large[0] - small[0], large[1] - small[1]) == (block, block)


@pytest.mark.parametrize(("bias", "constants"), [(True, 1), (False, 0)])
def test_size_of_linear_is_that_of_its_matrices(bias, constants):
    encoder, decoder = 784 * 40 + constants * 40, 20 * 784 + constants * 784
    assert sizes(Linear, LinearParams(bias=bias), (1, 28, 28), 20) == (encoder, decoder)


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
    net = build(FcHiggins, Params(), (1, 8, 8), 10)
    assert kinds(net.encoder) == "Flatten Linear ReLU Linear ReLU Linear"
    assert kinds(net.decoder) == "Linear Tanh Linear Tanh Linear Tanh Linear Unflatten"


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


REFUSED = [
    (ConvBn, Params(), (1, 30, 30), r"'conv_bn' .* multiples of 4, got shape \(1, 30, 30\); '-s data.size=28'"),
    (
        ConvHiggins,
        ConvHigginsParams(),
        (1, 28, 28),
        r"'conv_higgins' .* 16, got shape \(1, 28, 28\); '-s data.size=64'",
    ),
    (ArdCeleba, ArdCelebaParams(), (3, 64, 60), r"'ard_celeba' .* 16, got shape \(3, 64, 60\); '-s data.size=64'"),
    (ArdCifar, ArdCifarParams(), (1, 28, 28), r"'ard_cifar' .* 16, got shape \(1, 28, 28\); .*'-s data.pad=2'"),
    (ArdSynthetic, ArdSyntheticParams(), (1, 28, 28), r"'ard_synthetic' .* 16, got shape .*'-s data.size=64'"),
    (ConvResponse, ConvResponseParams(), (1, 28, 28), r"'conv_response' .* got shape \(1, 28, 28\); .*'-s data.pad=2'"),
    (ConvResponse, ConvResponseParams(), (1, 2, 2), r"same power of 2 from 4 on, got shape \(1, 2, 2\)"),
    (ConvResponse, ConvResponseParams(), (1, 32, 64), r"same power of 2 from 4 on, got shape \(1, 32, 64\)"),
    (ConvResponse, ConvResponseParams(), (1, 48, 48), r"same power of 2 from 4 on, got shape \(1, 48, 48\)"),
]


@pytest.mark.parametrize(("kind", "params", "shape", "message"), REFUSED)
def test_images_of_a_size_that_does_not_fit_are_refused_with_a_cure(kind, params, shape, message):
    with pytest.raises(VaehubError, match=message):
        build(kind, params, shape)


@pytest.mark.parametrize(("kind", "params"), [(kind, params) for kind, params, *_ in REFUSED[:6]])
def test_vectors_are_refused_where_images_are_needed(kind, params):
    with pytest.raises(VaehubError, match=r"takes images .* got shape \(784,\); 'fc_higgins' and 'linear'"):
        build(kind, params, (784,))


@pytest.mark.parametrize(
    ("params", "values"),
    [
        (ConvHigginsParams, {"kernel_sizes": (4, 4, 2)}),
        (ConvHigginsParams, {"kernel_sizes": (4, 4, 2, 0)}),
        (ConvResponseParams, {"channels": 12}),
        (ArdCifarParams, {"channels": (8,)}),
    ],
)
def test_sizes_that_make_no_network_are_refused(params, values):
    with pytest.raises(ValueError, match=next(iter(values))):
        params(**values)


def test_every_entry_names_its_class_and_its_parameters():
    entries = {entry.name: entry for entry in vaehub_catalog()}
    assert list(entries) == [
        "conv_bn", "conv_mnist", "conv_higgins", "fc_higgins", "ard_celeba", "ard_cifar", "ard_synthetic",
        "conv_response", "linear",
    ]  # fmt: skip
    assert all(isinstance(entry, Entry) for entry in entries.values())
    found = {kind.__name__: kind for kind, *_ in SMALL}
    for entry in entries.values():
        module, _, name = entry.target.partition(":")
        assert found[name].__module__ == module
        assert found[name].Params.__name__ == entry.params.partition(":")[2]


def test_manifest_and_parameters_load_no_torch():
    code = (
        "import sys, vaehub.plugins.convolutions, vaehub.plugins.convolutions.params; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
