"""What holds of all networks of the papers: shapes, gradients, seeds, and what is refused."""

import subprocess
import sys

import pytest
import torch
from network_samples import build, seeded

from vaehub import Params, VaehubError
from vaehub.plugins.networks.convolutions import vaehub_catalog
from vaehub.plugins.networks.convolutions.ard import ArdCeleba, ArdCifar, ArdMnist, ArdSynthetic
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins, FcHiggins
from vaehub.plugins.networks.convolutions.intervention import ConvBn
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.mnist import ConvMnist
from vaehub.plugins.networks.convolutions.params import (
    ArdCelebaParams,
    ArdCifarParams,
    ArdMnistParams,
    ArdSyntheticParams,
    ConvHigginsParams,
    ConvMnistParams,
    ConvResponseParams,
    FcHigginsParams,
    LinearParams,
)
from vaehub.plugins.networks.convolutions.response import ConvResponse
from vaehub.registry import Network as Entry

# Few channels where a network allows it: shapes and gradients do not depend on how many there are.
SMALL = [
    (ConvBn, Params(), (1, 28, 28)),
    (ConvBn, Params(), (3, 8, 16)),
    (ConvMnist, ConvMnistParams(hidden=16), (1, 28, 28)),
    (ConvHiggins, ConvHigginsParams(), (1, 64, 64)),
    (ConvHiggins, ConvHigginsParams(kernel_sizes=(4, 4, 4, 4)), (3, 64, 64)),
    (ConvHiggins, ConvHigginsParams(kernel_sizes=(5, 3, 2, 1)), (3, 32, 48)),
    (FcHiggins, FcHigginsParams(), (1, 8, 8)),
    (FcHiggins, FcHigginsParams(decoder_widths=(5, 9)), (7,)),
    (ArdMnist, ArdMnistParams(channels=(4, 8)), (1, 8, 4)),
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
        "conv_bn", "conv_mnist", "conv_higgins", "fc_higgins", "ard_mnist", "ard_celeba", "ard_cifar",
        "ard_synthetic", "conv_response", "linear",
    ]  # fmt: skip
    assert all(isinstance(entry, Entry) for entry in entries.values())
    found = {kind.__name__: kind for kind, *_ in SMALL}
    for entry in entries.values():
        module, _, name = entry.target.partition(":")
        assert found[name].__module__ == module
        assert found[name].Params.__name__ == entry.params.partition(":")[2]


def test_manifest_and_parameters_load_no_torch():
    home = "vaehub.plugins.networks.convolutions"
    code = f"import sys, {home}, {home}.params; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
