import pytest
import torch
from training_samples import Memory, losses, weights

from vaehub import Dataset, TrainParams
from vaehub import generator as stream
from vaehub.core.arithmetic import layers_in
from vaehub.core.random import seeded_construction
from vaehub.core.training import fit
from vaehub.plugins.mlp.network import Mlp
from vaehub.plugins.mlp.params import MlpParams
from vaehub.plugins.vae.model import Vae
from vaehub.plugins.vae.params import VaeParams

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


def interrupted_after(epoch):
    def interrupt(record):
        if record.index == epoch:
            raise KeyboardInterrupt

    return interrupt
