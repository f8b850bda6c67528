"""The plain convolutional network for MNIST: shapes, size, order of layers, and what is refused."""

import pytest
import torch

import vaehub.analysis
from vaehub import DataSpec, VaehubError
from vaehub.plugins.networks.convolutions import vaehub_catalog
from vaehub.plugins.networks.convolutions.mnist import ConvMnist
from vaehub.plugins.networks.convolutions.params import ConvMnistParams


def build(shape, latent_dim=5, n_statistics=2, hidden=16):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return ConvMnist(ConvMnistParams(hidden=hidden), DataSpec(shape, True), latent_dim, n_statistics)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 16), (1, 4, 4)])
@pytest.mark.parametrize("n_statistics", [1, 2])
def test_encoder_and_decoder_have_the_shapes_that_they_promise(shape, n_statistics):
    net = build(shape, 5, n_statistics).eval()
    statistics = net.encoder(torch.rand(2, *shape))
    assert statistics.shape == (2, 5 * n_statistics)
    assert net.decoder(statistics[:, :5]).shape == (2, *shape)


def test_size_is_that_of_its_layers():
    encoder = (1 * 32 * 16 + 32) + (32 * 64 * 16 + 64) + (3136 * 256 + 256) + 2 * (256 * 16 + 16)  # 64 x 7 x 7
    decoder = (16 * 256 + 256) + (256 * 3136 + 3136) + (64 * 32 * 16 + 32) + (32 * 1 * 16 + 1)
    with torch.device("meta"):
        net = ConvMnist(ConvMnistParams(), DataSpec((1, 28, 28), True), 16, 2)
    assert [sum(p.numel() for p in part.parameters()) for part in (net.encoder, net.decoder)] == [encoder, decoder]


def test_layers_are_in_the_order_of_its_description():
    net = build((1, 28, 28))
    kinds = [" ".join(type(layer).__name__ for layer in part) for part in (net.encoder, net.decoder)]
    assert kinds == [
        "Conv2d ReLU Conv2d ReLU Flatten Linear ReLU Linear",
        "Linear ReLU Linear ReLU Unflatten ConvTranspose2d ReLU ConvTranspose2d",
    ]


def test_gradients_reach_every_parameter():
    net = build((1, 28, 28))
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    statistics = net.encoder(x)
    (net.decoder(statistics[:, :5] + statistics[:, 5:]) - x).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())


def test_nothing_follows_the_last_layer_of_the_decoder():
    assert build((1, 28, 28)).decoder(torch.randn(64, 5)).min() < 0


def test_layers_of_a_trained_model_have_names(tmp_path):
    hub = vaehub.Hub.open(tmp_path, device="cpu")
    recipe = hub.recipe("vae", network="conv_mnist", settings={"train.epochs": 0, "network.hidden": 16})
    names = vaehub.analysis.layer_names(*hub.model(recipe))
    assert list(names) == [
        "input", "encoder_1", "encoder_2", "encoder_3", "mean", "variance", "sampled",
        "decoder_1", "decoder_2", "decoder_3", "decoder_4",
    ]  # fmt: skip


def test_an_image_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(VaehubError, match=r"multiples of 4, got shape \(1, 30, 28\); '-s data.size=28' resizes them"):
        build((1, 30, 28))


def test_a_vector_is_refused():
    with pytest.raises(VaehubError, match="'conv_mnist' takes images"):
        build((7,))


def test_its_entry_names_its_class_and_its_parameters():
    (entry,) = [entry for entry in vaehub_catalog() if entry.name == "conv_mnist"]
    assert entry.target == f"{ConvMnist.__module__}:ConvMnist"
    assert entry.params == f"{ConvMnistParams.__module__}:ConvMnistParams"
