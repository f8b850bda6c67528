"""A user's own modules from files, as a network of the catalog."""

import importlib.util
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vaehub import Hub, VaehubError

D = 3


MODULE = '''
"""What a user has beside the data."""

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.logvar = nn.Linear(64, 16), nn.Linear(16, 3), nn.Linear(16, 3)

    def forward(self, x):
        hidden = torch.relu(self.hidden(x.flatten(1)))
        return self.mean(hidden), self.logvar(hidden)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid())


def pair():
    whole = Vae()
    return whole.encoder, whole.decoder


def broken():
    raise RuntimeError("no such checkpoint")


number = 3
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a user's module in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_vae_code.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("own_vae_code", None)


@pytest.fixture
def whole(here):
    """The same module, under another name, so that its import path is still to be found."""
    spec = importlib.util.spec_from_file_location("elsewhere", here / "own_vae_code.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["elsewhere"] = module
    spec.loader.exec_module(module)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield module.Vae().eval()
    del sys.modules["elsewhere"]


@pytest.fixture
def hub(here):
    return Hub.open(here / "store", device="cpu")


def run(hub, metric="elbo", model="vae", **settings):
    chosen = {"model.latent_dim": D, "train.epochs": 0}
    return hub.run(model, metric, network="own", settings={**chosen, **settings})


def programs(whole, folder, kind):
    paths = {name: folder / f"{name}.{kind}" for name in ("encoder", "decoder")}
    examples = {"encoder": torch.rand(2, 1, 8, 8), "decoder": torch.rand(2, D)}
    for name, path in paths.items():
        module = getattr(whole, name)
        if kind == "scripted":
            torch.jit.script(module).save(str(path))
        else:
            shapes = ({0: torch.export.Dim("n")},)
            torch.export.save(torch.export.export(module, (examples[name],), dynamic_shapes=shapes), path)
    return {f"network.{name}": str(path) for name, path in paths.items()}


def weights(whole, folder, kind):
    path = folder / f"weights.{kind}"
    if kind == "safetensors":
        save_file(whole.state_dict(), path)
    else:
        # As pythae's trainer has it.
        torch.save({"model_state_dict": whole.state_dict(), "epoch": 3}, path)
    return path


@pytest.fixture
def expected(hub, whole):
    """What the same modules come to when they are wrapped."""
    import vaehub

    return hub.measure("elbo", vaehub.wrap(whole), data="digits")["elbo"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["scripted", "exported"])
def test_a_pair_of_programs_is_measured_as_it_is(hub, here, whole, expected, kind):
    found = run(hub, **programs(whole, here, kind))[0]
    assert found["elbo"] == pytest.approx(expected, rel=1e-6)
    assert found.training.recipe["train"]["params"]["epochs"] == 0


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
@pytest.mark.parametrize("name", ["Vae", "pair"])
def test_an_object_is_found_by_import_path_and_given_its_weights(hub, here, whole, expected, kind, name):
    state = whole if name == "Vae" else nn.ModuleList([whole.encoder, whole.decoder])
    settings = {"network.object": f"own_vae_code:{name}", "network.weights": weights(state, here, kind)}
    assert run(hub, **settings)[0]["elbo"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["scripted", "exported"])
def test_every_metric_works_on_it(hub, here, whole, kind):
    found = run(hub, ["relevance", "elbo"], **programs(whole, here, kind))
    assert bool((found[0]["relevance"] > 0).all())


def test_it_is_known_by_what_the_files_hold_and_found_again_from_the_store(hub, here, whole):
    path = weights(whole, here, "safetensors")
    first = run(hub, **{"network.object": "own_vae_code:Vae", "network.weights": path})[0]
    again = run(
        hub, **{"network.object": "own_vae_code:Vae", "network.weights": path.rename(here / "other.safetensors")}
    )
    assert again[0].training.id == first.training.id
    assert again[0].reused


def test_other_weights_are_another_training(hub, here, whole):
    asked = {"network.object": "own_vae_code:Vae"}
    first = run(hub, **asked, **{"network.weights": weights(whole, here, "safetensors")})[0]
    with torch.no_grad():
        whole.decoder[2].bias.add_(1)
    other = run(hub, **asked, **{"network.weights": weights(whole, here, "safetensors")})[0]
    assert other.training.id != first.training.id
    assert other["elbo"] != first["elbo"]


def test_a_model_of_the_catalog_can_go_on_training_it(hub, here, whole):
    asked = {"network.object": "own_vae_code:Vae", "network.weights": weights(whole, here, "safetensors")}
    before = run(hub, **asked)[0]["elbo"]
    assert run(hub, **asked, **{"train.epochs": 2})[0]["elbo"] > before


# What does not fit


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "name either both 'encoder' and 'decoder', or 'object'"),
        ({"network.encoder": "FILE"}, "name either both 'encoder' and 'decoder', or 'object'"),
        ({"network.encoder": "nowhere.pt", "network.decoder": "FILE"}, "there is no file at '.*nowhere.pt', which 'en"),
        ({"network.encoder": "FILE", "network.decoder": "FILE"}, "is no program: torch.jit.save and torch.export.save"),
        (
            {"network.encoder": "FILE", "network.decoder": "FILE", "network.weights": "FILE"},
            "'weights' belong to an 'object'; a program brings its own",
        ),
        ({"network.encoder": 0}, "'encoder' is 0 and should be a path"),
        ({"network.encoder": "FILE", "network.content": "x"}, "'content' is 'x' and should be a"),
        ({"network.object": "own_vae_code"}, "'own_vae_code' is no import path; write package.module:name"),
        ({"network.object": "own_vae_code:Nothing"}, "'own_vae_code:Nothing' cannot be loaded: AttributeError"),
        ({"network.object": "own_vae_code:broken"}, "cannot be loaded: RuntimeError: no such checkpoint"),
        ({"network.object": "own_vae_code:number"}, "gives a int; a module with the methods encode and decode"),
        ({"network.object": "own_vae_code:Vae", "model.latent_dim": 5}, "has 3 latents, and 5 were asked for; set '-s"),
        ({"network.object": "own_vae_code:Vae", "network.weights": "FILE"}, "cannot be read as weights"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_before_anything_is_done(hub, here, settings, words):
    (here / "file").write_text("text")
    given = {name: str(here / "file") if value == "FILE" else value for name, value in settings.items()}
    with pytest.raises(VaehubError, match=words) as caught:
        run(hub, **given)
    assert "\n" not in str(caught.value)
    assert not (here / "store").exists()


def test_a_model_that_wants_other_statistics_is_named(hub, here):
    with pytest.raises(VaehubError, match="gives means and log variances, and this model takes only means.*--model va"):
        run(hub, model="ae", **{"network.object": "own_vae_code:Vae"})


def test_a_pickled_module_is_never_read(hub, here, whole):
    torch.save(whole, here / "pickled.pt")
    settings = {"network.encoder": here / "pickled.pt", "network.decoder": here / "pickled.pt"}
    with pytest.raises(VaehubError, match="holds no program, perhaps a pickled module, which is never read"):
        run(hub, **settings)
    settings = {"network.object": "own_vae_code:Vae", "network.weights": here / "pickled.pt"}
    with pytest.raises(VaehubError, match="cannot be read as weights"):
        run(hub, **settings)


def test_missing_unexpected_and_misshapen_weights_are_named(hub, here, whole):
    state = dict(whole.state_dict())
    state["extra.weight"] = torch.zeros(1)
    del state["encoder.mean.bias"]
    state["decoder.0.bias"] = torch.zeros(5)
    save_file(state, here / "w.safetensors")
    words = (
        r"missing encoder.mean.bias; unexpected extra.weight; misshapen: decoder.0.bias is \(5,\) and should be \(16,\)"
    )
    with pytest.raises(VaehubError, match=words):
        run(hub, **{"network.object": "own_vae_code:Vae", "network.weights": here / "w.safetensors"})
