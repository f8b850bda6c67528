import shutil

import pytest
import torch
from checkpoints import Interrupted, Memory
from training_samples import losses, weights

from vaehub import Dataset, TrainParams
from vaehub import generator as stream
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.vae.model import Vae
from vaehub.plugins.models.vae.params import VaeParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit
from vaehub.training.precision import layers_in

EPSILON = {torch.float32: 2**-24, torch.bfloat16: 2**-8}


def built():
    with seeded_construction(0):
        params = VaeParams(latent_dim=3, likelihood="squared_error")
        return Vae(params, Mlp(MlpParams(hidden=(16,)), images().spec, 3, 2), images().spec)


def images():
    return Dataset(torch.rand(120, 1, 5, 5, generator=stream(0, "x"))).with_validation(0.2, stream(0, "split"))


def train(precision, checkpoint=None, on_epoch=None, epochs=4):
    model = built()
    params = TrainParams(epochs=epochs, batch_size=16, learning_rate=0.01, precision=precision)
    return model, fit(model, images(), params, seed=0, checkpoint=checkpoint, on_epoch=on_epoch).history


@pytest.mark.parametrize("dtype", list(EPSILON))
def test_products_have_the_precision_asked_for_and_come_out_in_float32(dtype):
    network, x = built().network, images().x
    exact = network.double().encoder(x.double())
    with layers_in(dtype, network.float()):
        found = network.encoder(x)
    assert found.dtype == torch.float32
    error = (found - exact).norm() / exact.norm()
    assert EPSILON[dtype] / 20 < error < 5 * EPSILON[dtype]


def test_afterwards_a_network_is_as_it_was_even_after_an_error():
    network, x = built().network, images().x
    before = network.encoder(x)
    with pytest.raises(RuntimeError), layers_in(torch.bfloat16, network):
        network.encoder(x[:, :, :2])
    assert not torch.is_autocast_enabled("cpu")
    assert torch.equal(network.encoder(x), before)
    assert "forward" not in vars(network.encoder)


def test_gradients_and_weights_stay_in_float32():
    network, x = built().network, images().x
    with layers_in(torch.bfloat16, network):
        network.decoder(network.encoder(x)[:, :3]).sum().backward()
    assert {weight.grad.dtype for weight in network.parameters()} == {torch.float32}


def test_a_training_in_bfloat16_learns_nearly_the_same():
    (rough, rough_history), (fine, fine_history) = train("bfloat16"), train("float32")
    assert not torch.equal(weights(rough), weights(fine))
    for found, wanted in zip(losses(rough_history), losses(fine_history), strict=True):
        assert found["validation"]["total"] == pytest.approx(wanted["validation"]["total"], rel=0.02)


def test_only_learning_is_rough():
    model = built()
    seen = []
    model.network.encoder[1].register_forward_hook(lambda layer, _, output: seen.append((model.training, output.dtype)))
    fit(model, images(), TrainParams(epochs=1, precision="bfloat16"), seed=0)
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}


def test_the_same_recipe_gives_the_same_bits_interrupted_or_not():
    whole, history = train("bfloat16")
    assert torch.equal(weights(train("bfloat16")[0]), weights(whole))
    memory = Memory()
    with pytest.raises(KeyboardInterrupt):
        train("bfloat16", checkpoint=memory, on_epoch=interrupted_after(1))
    resumed, later = train("bfloat16", checkpoint=memory)
    assert torch.equal(weights(resumed), weights(whole))
    assert losses(later) == losses(history)


def test_what_is_passed_after_n_steps_is_the_training_of_n_steps_bit_for_bit():
    def normed():
        model = built()
        model.network.encoder.append(torch.nn.BatchNorm1d(6))
        return model

    def params(steps):
        return TrainParams(steps=steps, epochs=0, batch_size=16, learning_rate=0.01, precision="bfloat16")

    kept = {}
    snapshots = {n: lambda copied, fitted, n=n: kept.update({n: (copied, fitted)}) for n in (1, 5)}
    whole = normed()
    fit(whole, images(), params(9), seed=0, snapshots=snapshots)
    for n, (copied, passed) in kept.items():
        alone = normed()
        fitted = fit(alone, images(), params(n), seed=0)
        assert torch.equal(weights(copied), weights(alone))
        assert losses(passed.history) == losses(fitted.history)
        assert "forward" not in vars(copied.network.encoder)
    plain = normed()
    fit(plain, images(), params(9), seed=0)
    assert torch.equal(weights(whole), weights(plain))


def interrupted_after(epoch):
    def interrupt(record):
        if record.index == epoch:
            raise KeyboardInterrupt

    return interrupt


# Layout and compilation


def convolved():
    from vaehub.plugins.networks.convolutions.higgins import ConvHiggins
    from vaehub.plugins.networks.convolutions.params import ConvHigginsParams

    data = Dataset(torch.rand(60, 3, 16, 16, generator=stream(0, "x"))).with_validation(0.2, stream(0, "split"))
    with seeded_construction(0):
        network = ConvHiggins(ConvHigginsParams(), data.spec, 3, 2)
        return Vae(VaeParams(latent_dim=3), network, data.spec), data


def learned(checkpoint=None, on_epoch=None, **more):
    model, data = convolved()
    params = TrainParams(epochs=3, batch_size=16, learning_rate=1e-3, **more)
    return model, fit(model, data, params, seed=0, checkpoint=checkpoint, on_epoch=on_epoch)


def test_channels_last_learns_the_same_up_to_rounding():
    (plain, expected), (model, found) = learned(), learned(channels_last=True)
    assert model.network.encoder[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-3, atol=1e-4)
    assert found.history[-1].losses["validation"]["total"] == pytest.approx(
        expected.history[-1].losses["validation"]["total"], rel=1e-4
    )


def test_channels_last_resumes_with_the_same_bits():
    def interrupt(record):
        if record.index == 1:
            raise Interrupted

    memory = Memory()
    with pytest.raises(Interrupted):
        learned(memory, interrupt, channels_last=True)
    # A file knows no layout.
    memory.state.tensors = {name: value.contiguous() for name, value in memory.state.tensors.items()}
    resumed, whole = learned(memory, channels_last=True)[0], learned(channels_last=True)[0]
    assert torch.equal(weights(resumed), weights(whole))


def test_channels_last_says_so_where_there_are_no_images():
    data = Dataset(torch.rand(40, 5, generator=stream(0, "x"))).with_validation(0.2, stream(0, "split"))
    with seeded_construction(0):
        model = Vae(VaeParams(latent_dim=2), Mlp(MlpParams(hidden=(4,)), data.spec, 2, 2), data.spec)
    found = fit(model, data, TrainParams(epochs=1, channels_last=True), seed=0)
    assert found.notes == ["'train.channels_last' is for images, so it had no effect"]


def test_without_a_compiler_the_loss_is_computed_plainly_and_it_is_said(monkeypatch, caplog):
    def without_compiler(function, **_):
        def fails(*arguments):
            raise RuntimeError("no C++ compiler\nwas found")

        return fails

    monkeypatch.setattr(torch, "compile", without_compiler)
    (plain, _), (model, found) = learned(), learned(compile=True)
    assert torch.equal(weights(model), weights(plain))
    assert found.notes == ["torch.compile failed (no C++ compiler), so the loss was computed without it"]
    assert "torch.compile failed" in caplog.text


def test_an_error_of_the_model_is_not_blamed_on_the_compiler(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    model, data = convolved()
    monkeypatch.setattr(model, "loss", lambda batch, step: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit(model, data, TrainParams(epochs=1, compile=True), seed=0)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.longest)])
def test_compiled_it_learns_the_same_up_to_rounding_with_the_same_noise(precision):
    (_, expected), (_, found) = learned(precision=precision), learned(precision=precision, compile=True)
    assert not found.notes
    tolerance = 1e-4 if precision == "float32" else 0.01
    for ours, theirs in zip(found.history, expected.history, strict=True):
        for part in ("train", "validation"):
            assert ours.losses[part]["total"] == pytest.approx(theirs.losses[part]["total"], rel=tolerance)
            assert ours.losses[part]["kl"] == pytest.approx(theirs.losses[part]["kl"], rel=20 * tolerance)
