"""On the device that VAEHUB_TEST_DEVICE names, else on the first accelerator there is: ``pytest -m gpu``.

With ``VAEHUB_TEST_DEVICE=cpu`` the same tests run where there is none. Only what holds on any device is asked: noise is
drawn on the device, so that numbers differ from the CPU's, and the same recipe gives the same bits.
"""

import numpy as np
import pytest
import torch
from checkpoints import Interrupted, Memory
from device_name import NONE_HERE, device_name
from device_workshop import METRICS, MODELS, SETTINGS, Workshop

from vaehub import Hub, generator
from vaehub.core.recipe import TrainParams
from vaehub.training.devices import find_devices
from vaehub.training.fit import fit

pytestmark = pytest.mark.gpu
OPTIONS = {
    "bfloat16": {"train.precision": "bfloat16"},
    "compile": {"train.compile": True},
    "channels_last": {"train.channels_last": True, "train.precision": "bfloat16"},
    "steps": {"train.steps": 7},
    "best": {"train.keep": "best", "train.lr_patience": 0, "train.epochs": 3},
    "stable": {"train.until": "stable", "train.epochs": 3},
}
DIGITS = {"data.subset": 300, "network.hidden": [32], "model.latent_dim": 4, "train.epochs": 2}


@pytest.fixture(scope="module")
def device():
    name = device_name()
    if name is None:
        pytest.skip(NONE_HERE)
    return find_devices(name)[0]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_learns_encodes_and_decodes_there(workshop, device, model):
    network = "linear" if model == "linear_vae" else "mlp"
    built, data, losses = workshop.trained(device, model, network)
    assert built.device == device
    assert all(np.isfinite(list(split.values())).all() for split in losses[0].values())
    mu = built.encode_all(data).mu
    assert mu.device.type == device.type
    if built.decodes:
        assert built.decode(mu[:5]).isfinite().all()
    again = Workshop(workshop.folder / "again")
    assert again.trained(device, model, network)[2] == losses


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_measures_there(workshop, device, metric):
    found = workshop.measured(device, metric)
    expected = workshop.measured("cpu", metric)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].ndim == values.ndim
        assert np.isfinite(found[name]).any() == np.isfinite(values).any(), name


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_training_works_there(tmp_path, device, option):
    model, network = ("ard" if option == "stable" else "vae"), ("conv_bn" if option == "channels_last" else "mlp")
    settings = DIGITS | OPTIONS[option]
    if network == "conv_bn":
        del settings["network.hidden"]
        settings["data.pad"] = 2
    if option == "steps":
        del settings["train.epochs"]
    hub = Hub.open(tmp_path / "store", device=str(device))
    record = hub.train(hub.recipe(model, network=network, settings=settings))
    assert record.status == "done"
    assert record.device == str(device)
    assert not any("torch.compile failed" in note for note in record.notes), record.notes


def test_seeds_together_are_those_trained_alone_up_to_rounding(tmp_path, device):
    errors = {}
    for together in (True, False):
        hub = Hub.open(tmp_path / str(together), device=str(device))
        found = hub.run("vae", "reconstruction_error", seed=[0, 1], settings={**DIGITS, "train.together": together})
        errors[together] = [each["squared_error"] for each in found]
    np.testing.assert_allclose(errors[True], errors[False], rtol=1e-2)


def test_an_interrupted_training_goes_on_there_to_the_same_bits(workshop, device):
    params = TrainParams(epochs=4, batch_size=60)
    memory = Memory()

    def trained(**more):
        recipe = workshop.hub.recipe("vae", dataset=workshop.data, settings=SETTINGS)
        data = workshop.builder.load(recipe.dataset).with_validation(0.1, generator(0, "validation split"))
        model = workshop.builder.build(recipe, data).to(device)
        fit(model, data, params, seed=0, **more)
        return torch.cat([value.cpu().double().flatten() for value in model.state_dict().values()])

    def interrupt(record):
        if record.index == 1:
            raise Interrupted

    whole = trained()
    with pytest.raises(Interrupted):
        trained(checkpoint=memory, on_epoch=interrupt)
    assert torch.equal(trained(checkpoint=memory), whole)


def test_what_is_stored_there_is_read_on_the_processor(tmp_path, device):
    hub = Hub.open(tmp_path / "store", device=str(device))
    found = hub.run("ard", "relevance", settings=DIGITS)[0]
    model, data = Hub.open(tmp_path / "store", device="cpu").model(found.training.id)
    part = data.split("validation")
    there, _ = hub.model(found.training.id)
    torch.testing.assert_close(model.encode_all(part).mu, there.encode_all(part).mu.cpu(), rtol=1e-3, atol=1e-3)


def test_suggest_dim_asks_there(tmp_path, device):
    hub = Hub.open(tmp_path / "store", device=str(device))
    settings = {"data.subset": 300, "network.hidden": [32], "train.epochs": 1}
    found = hub.suggest_dim(
        "digits", methods=["relevant_dimension", "intrinsic_dimension_twonn"], seeds=1, settings=settings
    )
    assert [answer.failures for answer in found.answers] == [(), ()]
    assert set(hub.sql("select distinct device from trainings").to_arrow()["device"].to_pylist()) == {str(device)}
