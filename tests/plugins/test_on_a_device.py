"""Every model and metric on a device that the CPU stands in for: what a real one refuses is refused, and found here.

Numbers are the CPU's, so that results on the device are those of the CPU, up to rounding. See ``pretended_device.py``.
"""

import numpy as np
import pytest
import torch
from device_workshop import METRICS, MODELS, SEARCHES, Workshop, at, values_of
from pretended_device import pretended

from vaehub import Hub, ModelMetric, Params, Result
from vaehub.core.random import generator, seeded_layers

DEVICES = ["cuda", pytest.param("mps", marks=pytest.mark.slow)]
LONG = {"rae", "dci", "procrustes", "conditioned_response_matrix", "precision_recall"}


def marked(names):
    """Mark those that take longest as slow: together, the others take less than 20 s."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in names]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


def test_nothing_is_left_out():
    entries = [each.entry for each in Hub.open("unused").catalog.entries("model")]
    assert {each.name for each in entries} == set(MODELS)
    entries = [each.entry for each in Hub.open("unused").catalog.entries("metric")]
    assert {each.name for each in entries if each.subject != "rows"} == {*METRICS, *SEARCHES}


@pytest.mark.parametrize("model", marked(MODELS))
@pytest.mark.parametrize("place", DEVICES)
def test_a_model_trains_there(workshop, place, model):
    network = "linear" if model == "linear_vae" else "mlp"
    expected, found = (workshop.trained(each, model, network)[2] for each in ("cpu", place))
    assert found[0].keys() == expected[0].keys()
    for split, losses in expected[0].items():
        assert found[0][split] == pytest.approx(losses, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("metric", marked(METRICS))
@pytest.mark.parametrize("place", DEVICES)
def test_a_metric_measures_there(workshop, place, metric):
    expected, found = (workshop.measured(each, metric) for each in ("cpu", place))
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)


def test_what_is_left_on_the_processor_is_found(workshop):
    """The stand-in refuses what a device would: else the tests above would pass whatever the code does."""
    model, data, _ = workshop.trained("cuda", "vae")
    with pretended("cuda") as device:
        rows = data.to(device)
        mu = model.encode(rows.batch(slice(0, 4))).mu
        assert mu.device == device
        for wrong, says in [
            (lambda: mu * torch.ones(3), "Expected all tensors to be on the same device, but found at least two"),
            (lambda: torch.stack([mu[0], torch.zeros(3)]), "Expected all tensors to be on the same device"),
            (lambda: torch.zeros(4)[mu[:, 0] > 0], "indices should be either on cpu or on the same device"),
            (lambda: model.decode(torch.zeros(2, 3)), "Expected all tensors to be on the same device"),
            (lambda: torch.randn(3, generator=torch.Generator(), device=device), "Expected a 'cuda:0' device type"),
            (lambda: torch.randn(3, generator=generator(0, device=device)), "Expected a 'cpu' device type for gen"),
        ]:
            with pytest.raises(RuntimeError, match=says):
                wrong()
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            mu.numpy()
        assert (mu * torch.tensor(2.0)).device == (mu.cpu().to(device) + mu[torch.arange(4)]).device == device
        assert mu.cpu().numpy().shape == (4, 3)
    with pretended("mps") as device, pytest.raises(TypeError, match="the MPS framework doesn't support it"):
        torch.zeros(3, device=device).double()


def test_a_metric_with_a_tensor_of_the_processor_is_caught(workshop):
    class Careless(ModelMetric):
        class Params(Params):
            pass

        def measure(self, model, data):
            return Result(
                vectors={"share": model.encode(data.to(model.device).batch(slice(0, 3))).mu[0] * torch.ones(3)}
            )

    for place, caught in (("cpu", False), ("cuda", True)):
        model, data, _ = workshop.trained(place, "vae")
        with at(place):
            metric = Careless(Careless.Params(), 0)
            if caught:
                with pytest.raises(RuntimeError, match="found at least two devices, cuda:0 and cpu"):
                    metric.measure(model, data)
            else:
                assert values_of(metric.measure(model, data))["share"].shape == (3,)


@pytest.mark.parametrize("place", ["cuda", "mps"])
def test_layers_are_seeded_on_a_device(place):
    with pretended(place) as device, seeded_layers(0, "layers", device=device):
        torch.rand(1)
