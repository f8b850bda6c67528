"""Numbers of parameters, worked out by hand from the papers' tables."""

import pytest
from network_samples import sizes

from vaehub import Params
from vaehub.plugins.networks.convolutions.ard import ArdCeleba, ArdCifar, ArdSynthetic
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins, FcHiggins
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
    assert sizes(FcHiggins, FcHigginsParams(), (1, 64, 64), 10) == (encoder, decoder)


@pytest.mark.parametrize("channels", [1, 3])
def test_size_of_fc_higgins_as_printed_has_a_first_layer_of_256_in_the_decoder(channels):
    values = channels * 64 * 64
    encoder = (values * 1200 + 1200) + (1200 * 1200 + 1200) + 2 * (1200 * 10 + 10)
    decoder = (10 * 256 + 256) + (256 * 1200 + 1200) + (1200 * 1200 + 1200) + (1200 * values + values)
    printed = FcHigginsParams(decoder_widths=(256, 1200, 1200))
    assert sizes(FcHiggins, printed, (channels, 64, 64), 10) == (encoder, decoder)
    assert "decoder_widths" not in FcHigginsParams().identity(), "what was trained before keeps its id"


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
