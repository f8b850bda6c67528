"""Layers by name, and what they make of observations."""

import pytest
import torch
from torch import nn

import vaehub
from vaehub import Dataset, Params, VaehubError
from vaehub import generator as stream
from vaehub.analysis import layer_names, representations
from vaehub.core.model import EVALUATION_BATCH
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.vae.ae import Ae
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import VaeParams
from vaehub.plugins.networks.convolutions.ard import ArdMnist
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins, FcHiggins
from vaehub.plugins.networks.convolutions.intervention import ConvBn
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.params import (
    ArdMnistParams,
    ConvHigginsParams,
    ConvResponseParams,
    LinearParams,
)
from vaehub.plugins.networks.convolutions.response import ConvResponse
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams

MIDDLE = ["mean", "variance", "sampled"]
NETWORKS = [
    (Mlp, MlpParams(hidden=(9, 7)), 8, [(9,), (7,)], [(7,), (9,), (64,)]),
    (Linear, LinearParams(), 8, [], [(64,)]),
    (ConvBn, Params(), 8, [(32, 4, 4), (64, 2, 2), (128, 2, 2)], [(512,), (64, 4, 4), (32, 8, 8), (1, 8, 8)]),
    (FcHiggins, Params(), 8, [(1200,)] * 2, [(1200,)] * 3 + [(64,)]),
    (
        ConvHiggins,
        ConvHigginsParams(),
        16,
        [(32, 8, 8), (32, 4, 4), (64, 2, 2), (64, 1, 1), (256,)],
        [(256,), (64,), (64, 2, 2), (32, 4, 4), (32, 8, 8), (1, 16, 16)],
    ),
    (
        ConvResponse,
        ConvResponseParams(channels=8),
        8,
        [(8, 4, 4), (8, 2, 2), (256,), (128,)],
        [(128,), (256,), (32,), (8, 4, 4), (1, 8, 8)],
    ),
    (ArdMnist, ArdMnistParams(channels=(4, 6)), 8, [(4, 4, 4), (6, 2, 2)], [(24,), (4, 4, 4), (1, 8, 8)]),
]


def built(kind, params, side, model=Vae):
    data = Dataset(torch.rand(6, 1, side, side, generator=stream(0, "x")))
    with seeded_construction(0):
        return model(VaeParams(latent_dim=2), kind(params, data.spec, 2, model.n_statistics), data.spec), data


@pytest.mark.parametrize(("kind", "params", "side", "encoder", "decoder"), NETWORKS, ids=lambda each: str(each)[:20])
def test_layers_of_the_papers_are_named_in_order(kind, params, side, encoder, decoder):
    model, data = built(kind, params, side)
    found = representations(model, data, generator=stream(0))
    expected = {"input": (1, side, side)}
    expected |= {f"encoder_{at}": shape for at, shape in enumerate(encoder, start=1)}
    expected |= dict.fromkeys(MIDDLE, (2,))
    expected |= {f"decoder_{at}": shape for at, shape in enumerate(decoder, start=1)}
    assert {name: tuple(values.shape[1:]) for name, values in found.items()} == expected
    assert list(found) == list(expected)


def test_a_layer_is_what_comes_out_of_its_non_linearity():
    model, data = built(Mlp, MlpParams(hidden=(9,)), 8)
    found = representations(model, data, generator=stream(0))
    hidden = model.network.encoder[1](data.x.flatten(1)).relu()
    assert torch.equal(found["encoder_1"], hidden.detach())
    assert torch.equal(found["input"], data.x)
    statistics = model.network.encoder(data.x).detach()
    assert torch.equal(found["mean"], statistics[:, :2])
    assert torch.equal(found["variance"], statistics[:, 2:].exp())
    assert torch.equal(found["decoder_2"], model.network.decoder(found["sampled"]).detach().flatten(1))


def test_a_deterministic_encoder_has_no_variance_and_samples_its_code():
    model, data = built(Mlp, MlpParams(), 8, Ae)
    found = representations(model, data, generator=stream(0))
    assert "variance" not in found
    assert torch.equal(found["sampled"], found["mean"])


def test_only_the_layers_asked_for_are_kept_in_the_order_asked():
    model, data = built(Mlp, MlpParams(), 8)
    assert list(representations(model, data, layers=["mean", "input"], generator=stream(0))) == ["mean", "input"]


def test_an_unknown_layer_is_answered_with_those_there_are():
    model, data = built(Mlp, MlpParams(), 8)
    with pytest.raises(VaehubError, match="no layer 'encoder_7', it has input, encoder_1, mean, variance, sampled"):
        representations(model, data, layers=["mean", "encoder_7"], generator=stream(0))


def test_many_observations_go_through_in_chunks_and_come_out_in_order():
    model, _ = built(Mlp, MlpParams(), 8)
    data = Dataset(torch.rand(EVALUATION_BATCH + 5, 1, 8, 8, generator=stream(1, "x")))
    found = representations(model, data, layers=["mean"], generator=stream(0))["mean"]
    torch.testing.assert_close(found, model.encode_all(data).mu)


def test_asking_leaves_the_model_as_it_was():
    model, data = built(ConvBn, Params(), 8)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    representations(model, data, generator=stream(0))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_users_own_modules_have_layers_too():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.second, self.first = nn.Linear(5, 4), nn.Linear(64, 5)  # not in the order of their use
            self.mean, self.logvar = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            hidden = self.second(self.first(x.flatten(1)))
            return self.mean(hidden), self.logvar(hidden)

    model = vaehub.wrap(encoder=Encoder(), decoder=nn.Sequential(nn.Linear(2, 64), nn.Sigmoid()))
    data = Dataset(torch.rand(6, 1, 8, 8, generator=stream(0, "x")))
    found = representations(model, data, generator=stream(0))
    assert {name: values.shape[1] for name, values in found.items() if name.startswith("encoder")} == {
        "encoder_1": 5,
        "encoder_2": 4,
    }
    assert layer_names(model, data)[-2:] == ("sampled", "decoder_1")
