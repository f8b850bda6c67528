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
    FcHigginsParams,
    LinearParams,
)
from vaehub.plugins.networks.convolutions.response import ConvResponse
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.plugins.similarity.kernels import linear_cka

MIDDLE = ["mean", "variance", "sampled"]
NETWORKS = [
    (Mlp, MlpParams(hidden=(9, 7)), 8, [(9,), (7,)], [(7,), (9,), (64,)]),
    (Linear, LinearParams(), 8, [], [(64,)]),
    (ConvBn, Params(), 8, [(32, 4, 4), (64, 2, 2), (128, 2, 2)], [(512,), (64, 4, 4), (32, 8, 8), (1, 8, 8)]),
    (FcHiggins, FcHigginsParams(), 8, [(1200,)] * 2, [(1200,)] * 3 + [(64,)]),
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


class Residual(nn.Module):
    """Adds blocks to what went before, in place or not."""

    def __init__(self, *, in_place):
        super().__init__()
        self.first, self.in_place = nn.Linear(9, 8), in_place
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(2))
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        hidden = self.first(x)
        for block in self.blocks:
            if self.in_place:
                hidden += block(hidden)
            else:
                hidden = hidden + block(hidden)
        return self.last(hidden)


def vectors(n=40):
    return Dataset(torch.randn(n, 9, generator=stream(0, "vectors")))


def wrapped(encoder, decoder=None):
    with seeded_construction(1):
        return vaehub.wrap(encoder=encoder, decoder=decoder or nn.Linear(2, 9))


def seeded(make):
    with seeded_construction(0):
        return make()


def found_in(encoder, decoder=None, **options):
    return representations(wrapped(encoder, decoder), vectors(), generator=stream(0), **options)


def test_a_layer_that_is_written_to_later_keeps_its_values():
    copied, plain = (found_in(seeded(lambda: Residual(in_place=each))) for each in (True, False))  # noqa: B023
    assert list(copied) == list(plain)
    assert {"encoder_1", "encoder_2", "encoder_3"} < set(plain)
    for name, values in plain.items():
        assert torch.equal(copied[name], values)
        assert linear_cka(copied[name].flatten(1), values.flatten(1)) == pytest.approx(1, abs=1e-12)


class Doubling(nn.Module):
    """Works on its input in place."""

    def __init__(self, width, outputs):
        super().__init__()
        self.map = nn.Linear(width, outputs)

    def forward(self, x):
        return self.map(x.mul_(2))


def test_input_and_sample_are_what_went_in():
    data = vectors()
    found = representations(wrapped(Doubling(9, 2), Doubling(2, 9)), data, generator=stream(0))
    torch.testing.assert_close(found["sampled"], found["mean"], rtol=0, atol=0)
    again = representations(wrapped(nn.Linear(9, 2)), vectors(), layers=["input"], generator=stream(0))["input"]
    assert torch.equal(again, vectors().x)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("nested", [False, True])
def test_compiled_modules_have_the_layers_of_the_plain_ones_however_often_they_ran(backend, nested):
    plain = found_in(seeded(lambda: Residual(in_place=False)))
    module = seeded(lambda: Residual(in_place=False))
    if nested:
        module.blocks[0] = torch.compile(module.blocks[0], backend=backend)
        module.blocks[1].compile(backend=backend)
    else:
        module = torch.compile(module, backend=backend)
    with torch.no_grad():
        module(vectors().x)
    found = found_in(module)
    assert list(found) == list(plain)
    for name, values in plain.items():
        torch.testing.assert_close(found[name], values)


class Steps(nn.Module):
    """Observations as sequences of three, through a layer that gives several tensors."""

    def __init__(self, layer, *, batch_first=True):
        super().__init__()
        self.layer, self.batch_first, self.last = layer, batch_first, nn.Linear(15, 2)

    def forward(self, x):
        steps = x.reshape(len(x), 3, 3).repeat(1, 1, 2)[:, :, :5]
        steps = steps if self.batch_first else steps.transpose(0, 1)
        found = self.layer(steps, steps, steps) if isinstance(self.layer, nn.MultiheadAttention) else self.layer(steps)
        found = next(iter(found.values())) if isinstance(found, dict) else found[0]
        return self.last((found if self.batch_first else found.transpose(0, 1)).flatten(1))


class Mapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 5))

    def forward(self, x):
        return {"values": x @ self.weight, "count": 3}


# A mapping says nothing of its axes.
@pytest.mark.parametrize(
    ("kind", "batch_first"),
    [(Mapped, True), *((kind, first) for kind in (nn.LSTM, nn.GRU, nn.MultiheadAttention) for first in (True, False))],
)
def test_of_a_layer_that_gives_several_tensors_the_first_is_taken(kind, batch_first):
    arguments = {nn.MultiheadAttention: (5, 1), Mapped: ()}.get(kind, (5, 5))
    layer = seeded(lambda: kind(*arguments) if kind is Mapped else kind(*arguments, batch_first=batch_first))
    encoder = Steps(layer, batch_first=batch_first)
    found = found_in(encoder)
    assert found["encoder_1"].shape == (40, 3, 5)
    assert "encoder_2" not in found
    torch.testing.assert_close(encoder.last(found["encoder_1"].flatten(1)).detach(), found["mean"])


def test_a_layer_whose_rows_are_no_observations_is_refused_in_words(caplog):
    class StepsFirst(nn.Module):
        def __init__(self):
            super().__init__()
            self.step, self.last = nn.Linear(3, 5), nn.Linear(15, 2)

        def forward(self, x):
            return self.last(self.step(x.reshape(len(x), 3, 3).transpose(0, 1)).transpose(0, 1).flatten(1))

    said = r"layer 'encoder_1', of the module 'module.step', has shape \(3, 2, 5\) for 2 observations"
    assert "encoder_1" not in found_in(StepsFirst())
    assert "so that its rows are no observations" in caplog.text
    with pytest.raises(VaehubError, match=said):
        found_in(StepsFirst(), layers=["encoder_1"])


def test_a_module_that_is_called_twice_is_a_layer_each_time_and_this_is_said(caplog):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.again, self.last = nn.Linear(9, 5), nn.Linear(5, 5), nn.Linear(5, 2)

        def forward(self, x):
            return self.last(self.again(self.again(self.first(x))))

    encoder = seeded(Twice)
    found = found_in(encoder)
    assert torch.equal(found["encoder_3"], encoder.again(found["encoder_2"]).detach())
    assert "'module.again' of the encoder is called 2 times in one pass" in caplog.text
    assert "each call is a layer: encoder_2, encoder_3" in caplog.text


@pytest.mark.parametrize("part", ["encoder", "decoder"])
@pytest.mark.parametrize("kind", ["TorchScript", "torch.export"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_inside_of_programs_is_refused_in_words(kind, part, caplog):
    shapes = {"encoder": (9, 2), "decoder": (2, 9)}
    width, outputs = shapes[part]
    module = nn.Sequential(nn.Linear(width, 5), nn.ReLU(), nn.Linear(5, outputs))
    if kind == "TorchScript":
        program = torch.jit.script(module)
    else:
        batches = ({0: torch.export.Dim("n")},)
        program = torch.export.export(module, (torch.randn(3, width),), dynamic_shapes=batches).module()
    modules = {"encoder": nn.Linear(9, 2), "decoder": nn.Linear(2, 9)} | {part: program}
    found = found_in(**modules)
    assert not [name for name in found if name.startswith(part)]
    assert f"the inside of {kind} programs, of which the {part} has some, has no layers" in caplog.text
    with pytest.raises(VaehubError, match=f"no layer '{part}_1'.*the inside of {kind} programs"):
        found_in(**modules, layers=[f"{part}_1"])


def test_a_transformer_layer_has_its_parts_as_layers():
    encoder = nn.Sequential(
        nn.Unflatten(1, (3, 3)), nn.TransformerEncoderLayer(3, 1, 4, batch_first=True), nn.Flatten(), nn.Linear(9, 2)
    )
    found = found_in(encoder)
    assert [found[f"encoder_{at}"].shape[1:] for at in (1, 2, 3)] == [(3, 3), (3, 4), (3, 3)]


def test_hooks_are_removed_from_a_model_that_fails():
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.map, self.fails = nn.Linear(9, 2), False

        def forward(self, x):
            found = self.map(x)
            if self.fails:
                raise RuntimeError("the tubes are cold")
            return found

    encoder = Failing()
    model = wrapped(encoder)
    layer_names(model, vectors())
    encoder.fails = True
    with pytest.raises(RuntimeError, match="the tubes are cold"):
        layer_names(model, vectors())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.backends.mha.get_fastpath_enabled()
