"""What tells two networks of a user's own apart: code, settings, weights and a name."""

import itertools
import json
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaehub import Hub, VaehubError

HELPERS = """
def squashed(h):
    return h.relu()
"""

CODE = """
import torch
from torch import nn

from {helpers} import squashed


class Encoder(nn.Module):
    def __init__(self, slope=1.0):
        super().__init__()
        self.hidden, self.mean, self.logvar = nn.Linear(64, 8), nn.Linear(8, 3), nn.Linear(8, 3)
        self.slope = slope

    def forward(self, x):
        h = squashed(self.hidden(x.flatten(1))) * self.slope
        return self.mean(h), self.logvar(h)


class Vae(nn.Module):
    def __init__(self, slope=1.0):
        super().__init__()
        self.encoder = Encoder(slope)
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())


def steeper():
    return Vae(slope=2.0)


def trained():
    made = Vae()
    made.load_state_dict(torch.load("checkpoint.pt", weights_only=True))
    return made


there = Vae()
"""
NAMES = (f"own_identity_{n}" for n in itertools.count())


class Folder:
    """The working folder with a user's module in it, under a name that no other test has."""

    def __init__(self, path):
        self.path, self.module = path, next(NAMES)
        self.write()

    def write(self, code=CODE, helpers=HELPERS):
        for name in (self.module, f"{self.module}_helpers"):
            sys.modules.pop(name, None)
        (self.path / f"{self.module}.py").write_text(code.format(helpers=f"{self.module}_helpers"))
        (self.path / f"{self.module}_helpers.py").write_text(helpers)

    def state(self, seed=0):
        names = {}
        exec(CODE.replace("from {helpers} import squashed", ""), names)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return names["Vae"]().state_dict()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Folder(tmp_path)
    yield found
    for name in (found.module, f"{found.module}_helpers"):
        sys.modules.pop(name, None)


def settings(folder, name="Vae", **more):
    return {"model.latent_dim": 3, "train.epochs": 0, "network.object": f"{folder.module}:{name}", **more}


def measured(hub, folder, name="Vae", **more):
    [found] = hub.run("vae", "elbo", network="own", settings=settings(folder, name, **more))
    return found


@pytest.mark.parametrize(
    ("code", "helpers"),
    [
        (CODE, HELPERS.replace("relu", "tanh")),
        (CODE.replace("nn.Sigmoid()", "nn.Hardsigmoid()"), HELPERS),
        (CODE.replace("slope=1.0", "slope=1.5"), HELPERS),
    ],
)
def test_after_an_edit_the_old_number_is_not_given(hub, folder, code, helpers):
    torch.save(folder.state(), "weights.pt")
    first = measured(hub, folder, **{"network.weights": "weights.pt"})
    folder.write(code, helpers)
    second = measured(hub, folder, **{"network.weights": "weights.pt"})
    assert not second.reused
    assert second["elbo"] != first["elbo"]
    folder.write("# Nothing else.\n" + CODE, HELPERS)
    again = measured(hub, folder, **{"network.weights": "weights.pt"})
    assert again.reused
    assert again["elbo"] == first["elbo"]


def test_another_setting_is_another_network(hub, folder):
    torch.save(folder.state(), "weights.pt")
    one, other = (measured(hub, folder, name, **{"network.weights": "weights.pt"}) for name in ("Vae", "steeper"))
    assert one.training.id != other.training.id
    assert one["elbo"] != other["elbo"]


def test_the_same_tensors_are_one_training_in_whatever_file(hub, folder):
    state = folder.state()
    torch.save(state, "weights.pt")
    save_file(state, "weights.safetensors")
    torch.save({"state_dict": {f"model.{name}": value for name, value in state.items()}, "epoch": 3}, "last.ckpt")
    files = ("weights.pt", "weights.safetensors", "last.ckpt")
    found = [measured(hub, folder, **{"network.weights": file}) for file in files]
    assert len({each.training.id for each in found}) == 1
    assert [each.reused for each in found] == [False, True, True]


def test_weights_that_an_object_loads_by_itself_count(hub, folder):
    torch.save(folder.state(), "checkpoint.pt")
    first = measured(hub, folder, "trained")
    assert measured(hub, folder, "trained").reused
    torch.save(folder.state(seed=1), "checkpoint.pt")
    second = measured(hub, folder, "trained")
    assert not second.reused
    assert second["elbo"] != first["elbo"]


def test_a_module_that_is_there_already_stays_as_it_is(hub, folder):
    first = measured(hub, folder, "there", **{"train.epochs": 1})
    assert measured(hub, folder, "there", **{"train.epochs": 1}).training.id == first.training.id


def test_a_seed_draws_other_weights_of_the_same_network(hub, folder):
    found = hub.run("vae", "elbo", network="own", seed=[0, 1], settings=settings(folder))
    assert found[0]["elbo"] != found[1]["elbo"]
    assert found[0].training.recipe["network"] == found[1].training.recipe["network"]


def test_a_training_is_found_again_from_its_id_unless_its_code_has_changed(hub, folder, tmp_path):
    torch.save(folder.state(), "weights.pt")
    found = measured(hub, folder, **{"network.weights": "weights.pt", "network.name": "mine"})
    other = Hub.open(tmp_path / "store", device="cpu")
    model, _ = other.model(found.training.id)
    assert torch.equal(model.network.encoder.module.mean.weight, folder.state()["encoder.mean.weight"])
    folder.write(CODE, HELPERS.replace("relu", "tanh"))
    with pytest.raises(VaehubError, match="the code or the settings of '.*:Vae' have changed; put them back, or run"):
        other.model(found.training.id)
    folder.write()
    torch.save(folder.state(seed=1), "weights.pt")
    with pytest.raises(VaehubError, match="the file of weights has changed; put it back, or run the recipe again"):
        other.model(found.training.id)


def test_a_recipe_of_before_code_counted_is_told_so(hub, folder):
    with pytest.raises(
        VaehubError, match="stored before the code of '.*:Vae' was part of its identity; run the recipe"
    ):
        hub.recipe("vae", network="own", settings=settings(folder, **{"network.content": {}}))


def test_code_that_changes_before_a_worker_builds_it_is_noticed(hub, folder):
    recipe = hub.recipe("vae", network="own", settings=settings(folder))
    folder.write(CODE.replace("nn.Sigmoid()", "nn.Hardsigmoid()"), HELPERS)
    with pytest.raises(VaehubError, match="the code or the settings of '.*:Vae' have changed"):
        hub.measure("elbo", recipe)
    assert not hub.store.exists


def test_compiled_code_that_nobody_can_look_at_is_refused(hub, folder):
    folder.write(
        CODE, "import ctypes\n\nlibrary = ctypes.CDLL(None)\n\n\ndef squashed(h):\n    return h * library.abs(-1)\n"
    )
    words = "'.*:Vae' has no identity, and a stored result might be that of other code: an object of type ctypes.CDLL"
    with pytest.raises(VaehubError, match=words):
        hub.recipe("vae", network="own", settings=settings(folder))


# Names


def test_a_name_tells_two_checkpoints_apart_in_results(hub, folder):
    for seed, name in enumerate(("mine", "theirs")):
        torch.save(folder.state(seed), "weights.pt")
        found = measured(hub, folder, **{"network.weights": "weights.pt", "network.name": name})
        assert found.training.name_of("network") == name
        assert next(found.rows())["network"] == name
    rows = hub.sql("select distinct network from results order by network").to_arrow().to_pylist()
    assert [row["network"] for row in rows] == ["mine", "theirs"]
    assert {each.name_of("network") for each in hub.recent()[0]} == {"mine", "theirs"}


def test_a_metric_of_recipes_has_the_name_too(hub, folder):
    recipe = hub.recipe("vae", network="own", settings=settings(folder, **{"network.name": "mine"}))
    stored = json.loads(json.dumps(recipe.record()))
    assert (stored["network"]["name"], stored["network"]["entry"]) == ("mine", "own")
    from vaehub.hub.requests import restored_recipe

    assert restored_recipe(hub.catalog, stored).id == recipe.id


def test_another_name_is_another_training_and_none_leaves_identities_as_they_were(hub, folder):
    plain, named, other = (
        hub.recipe("vae", network="own", settings=settings(folder, **more))
        for more in ({}, {"network.name": "mine"}, {"network.name": "theirs"})
    )
    assert len({plain.id, named.id, other.id}) == 3
    assert plain.network.identity().keys() == {"name", "distribution", "revision", "params"}
    assert "name" not in plain.network.params.identity()


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_has_at_least_a_letter(hub, folder, name):
    with pytest.raises(VaehubError, match="'name' is"):
        hub.recipe("vae", network="own", settings=settings(folder, **{"network.name": name}))


# Weights that are no numbers


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused_before_anything_is_stored(hub, folder, value):
    state = folder.state()
    state["encoder.mean.weight"][0, 0] = value
    torch.save(state, "weights.pt")
    words = f"weight 'encoder.mean.weight' is {'NaN' if value != value else 'infinite'} in 1 of its 24 values"
    with pytest.raises(VaehubError, match=f"the weights in '.*weights.pt' cannot be measured: {words}"):
        measured(hub, folder, **{"network.weights": "weights.pt"})
    torch.save(state, "checkpoint.pt")
    with pytest.raises(VaehubError, match=f"the weights of '.*:trained' cannot be measured: {words}"):
        measured(hub, folder, "trained")
    assert not hub.store.exists


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_with_weights_that_are_no_numbers_is_refused(hub):
    encoder, decoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 6)), nn.Sequential(nn.Linear(6, 64), nn.Sigmoid())
    with torch.no_grad():
        decoder[0].bias[2] = torch.nan
    for name, part in (("encoder", encoder), ("decoder", decoder)):
        torch.jit.script(part).save(f"{name}.pt")
    files = {"network.encoder": "encoder.pt", "network.decoder": "decoder.pt"}
    with pytest.raises(
        VaehubError, match="decoder.pt' cannot be measured: weight '0.bias' is NaN in 1 of its 64 values"
    ):
        hub.run("ae", "elbo", network="own", settings={"model.latent_dim": 6, "train.epochs": 0, **files})
    assert not hub.store.exists
