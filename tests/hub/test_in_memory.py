"""Models and data that a notebook hands over."""

import ctypes

import pytest
import torch
from torch import nn

import vaehub
from vaehub import Dataset, Hub, VaehubError
from vaehub import generator as stream


def wrapped(seed=0, name="mine", hidden=16):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 3))
        decoder = nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())
        return vaehub.wrap(encoder=encoder, decoder=decoder, name=name)


def test_a_metric_that_trains_refuses_a_model_that_was_handed_over(hub):
    with pytest.raises(VaehubError, match="metric 'fondue' trains models with other parameters"):
        hub.measure("fondue", wrapped(), data="digits")


def test_a_wrapped_model_is_measured_and_both_are_stored(hub):
    found = hub.measure("relevance", wrapped(), data="digits")
    assert found["relevance"].shape == (3,)
    [row] = hub.sql("select distinct model, dataset, latent_dim from results").to_arrow().to_pylist()
    assert row == {"model": "mine", "dataset": "digits", "latent_dim": 3}
    assert hub.store.weights(found.training.id).keys() >= {"network.encoder.module.1.weight"}


def test_the_same_weights_are_measured_once(hub):
    first = hub.measure("relevance", wrapped(), data="digits")
    again = hub.measure("relevance", wrapped(), data="digits")
    assert again.reused
    assert again.id == first.id


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "other"}, {"hidden": 17}])
def test_other_weights_names_or_modules_are_another_model(hub, other):
    first = hub.take(wrapped(), "digits")
    assert hub.take(wrapped(**other), "digits").id != first.id


class Hidden(nn.Module):
    """An encoder whose activation, and whose slope, no description shows."""

    def __init__(self, activation=torch.relu, slope=0.2):
        super().__init__()
        self.layer, self.activation, self.slope = nn.Linear(64, 3), activation, slope
        self.register_buffer("shift", torch.zeros(3), persistent=False)

    def forward(self, x):
        self.seen = self.activation(self.layer(x.flatten(1))) * self.slope + self.shift
        return self.seen, torch.zeros_like(self.seen)


def with_encoder(encoder):
    torch.nn.init.constant_(encoder.layer.weight, 0.1)
    torch.nn.init.constant_(encoder.layer.bias, 0.1)
    return vaehub.wrap(encoder=encoder, decoder=wrapped().network.decoder.module)


def test_models_of_equal_weights_that_compute_something_else_are_others(hub):
    assert repr(Hidden(slope=0.2)) == repr(Hidden(torch.tanh, slope=0.3))
    shifted = Hidden()
    shifted.shift += 1
    hooked = Hidden()
    hooked.layer.register_forward_hook(lambda module, given, output: output * 2)
    models = [Hidden(), Hidden(torch.tanh), Hidden(lambda x: -x), Hidden(slope=0.3), shifted, hooked]
    found = [hub.measure("elbo", with_encoder(each), data="digits") for each in models]
    assert not any(each.reused for each in found)
    assert len({each["elbo"] for each in found}) == len(models)
    # What it noted while it ran is no part of it.
    models[0](torch.zeros(1, 64))
    again = hub.measure("elbo", with_encoder(models[0]), data="digits")
    assert again.reused
    assert again["elbo"] == found[0]["elbo"]


def test_a_compiled_model_is_the_plain_one(hub):
    def taken(encoder):
        return hub.take(with_encoder(encoder), "digits").id

    plain = Hidden()
    torch.nn.init.constant_(plain.layer.weight, 0.1)
    compiled = torch.compile(plain, backend="eager")
    assert (
        taken(plain) == hub.take(vaehub.wrap(encoder=compiled, decoder=wrapped().network.decoder.module), "digits").id
    )


def test_what_nobody_can_look_at_is_measured_anew_and_told(hub, caplog):
    # Of a library of C, of which nothing but an address is known.
    compiled = ctypes.CDLL(None)
    model = Hidden(lambda x: x + 0 * compiled.abs(-1))
    first, second = (hub.measure("elbo", with_encoder(model), data="digits") for _ in range(2))
    assert not second.reused
    assert second["elbo"] == first["elbo"]
    assert "nothing that is stored of this model is used again: an object of type ctypes.CDLL" in caplog.text


def test_data_in_memory_are_known_by_what_they_hold(hub):
    x = torch.rand(150, 1, 8, 8, generator=stream(0, "x"))
    labels = torch.arange(150) % 3
    ids = [
        hub.take(wrapped(), Dataset(each, labels=some)).id
        for each, some in ((x, labels), (x.clone(), labels), (x.flip(0), labels), (x, labels.flip(0)), (x, None))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_values_do_not_depend_on_how_the_data_are_given(hub):
    by_name = hub.measure("relevance", wrapped(), data="digits")
    in_memory = hub.measure("relevance", wrapped(), data=hub.data("digits"))
    assert torch.equal(torch.tensor(by_name["relevance"]), torch.tensor(in_memory["relevance"]))


def test_data_are_needed(hub):
    with pytest.raises(VaehubError, match="is measured on data; say which: data='mnist'"):
        hub.measure("relevance", wrapped())


def test_data_belong_to_a_model_of_ones_own_alone(hub):
    recipe = hub.recipe("vae", settings={"train.epochs": 1})
    with pytest.raises(VaehubError, match="a recipe and a training have theirs"):
        hub.measure("elbo", recipe, data="digits")
    assert not hub.store.exists


def test_data_on_demand_are_digested_a_piece_at_a_time(hub, monkeypatch):
    from vaehub.hub import in_memory

    data = hub.data("sprites", {"subset": 300})
    expected = in_memory.dataset_component(data)
    asked = []
    batch = Dataset.batch
    monkeypatch.setattr(Dataset, "batch", lambda self, rows: asked.append(rows) or batch(self, rows))
    monkeypatch.setattr(in_memory, "digest_of", lambda tensors, _: str(next(iter(tensors)).shape))
    in_memory.dataset_component(data)
    assert len(asked) == 1
    assert expected.params.content


def test_a_model_that_does_not_fit_the_data_is_refused_and_nothing_stored(hub):
    with pytest.raises(VaehubError, match=r"the encoder cannot take observations of shape \(1, 8, 8\)"):
        hub.measure("relevance", vaehub.wrap(encoder=nn.Linear(3, 2), decoder=nn.Linear(2, 3)), data="digits")
    assert not hub.store.exists


def test_it_cannot_be_made_again_from_the_store_alone(hub, tmp_path):
    found = hub.measure("relevance", wrapped(), data="digits")
    other = Hub.open(tmp_path / "store", device="cpu")
    assert other.show(found.id)["relevance"].tolist() == found["relevance"].tolist()
    with pytest.raises(VaehubError, match="model 'mine' was handed over in memory; wrap it again"):
        other.model(found.training.id)


NEED_FACTORS = {
    "beta_vae_score",
    "conditioned_response_matrix",
    "dci",
    "factor_vae_score",
    "irs",
    "mig",
    "modularity",
    "sap",
}


@pytest.mark.slow
def test_a_pythae_model_is_put_through_every_metric(hub):
    pythae = pytest.importorskip("pythae.models")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = pythae.VAE(pythae.VAEConfig(input_dim=(1, 8, 8), latent_dim=4, reconstruction_loss="bce"))
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        x = hub.data("digits").x
        for rows in torch.arange(len(x)).split(100):
            optimiser.zero_grad()
            model({"data": x[rows]}).loss.backward()
            optimiser.step()
    model.eval()
    metrics = {
        each.entry.name
        for each in hub.catalog.entries("metric")
        if each.entry.subject == "model" and each.distribution == "vaehub"
    }
    labels = hub.data("digits").labels
    data, found, refused = Dataset(x, labels=labels), {}, {}
    for name in metrics:
        try:
            found[name] = hub.measure(name, vaehub.wrap(model), data=data)
        except vaehub.VaehubError as error:
            refused[name] = str(error)
    # Two are about one kind of model each, and others are of factors, which digits have not; they say so.
    assert "linear_vae" in refused.pop("linear_vae_theory")
    assert "ivae" in refused.pop("linear_ivae_theory")
    assert set(refused) == NEED_FACTORS
    assert all("factors" in sentence for sentence in refused.values())
    assert found["relevance"]["relevance"].shape == (4,)
    with torch.no_grad():
        mu, logvar = model.encoder(x).embedding, model.encoder(x).log_covariance
    kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1)
    measured = hub.measure("elbo", vaehub.wrap(model), data=Dataset(x), settings={"split": "all"})
    assert measured["kl"] == pytest.approx(float(kl.mean()), rel=1e-4)


@pytest.mark.parametrize(("likelihood", "expected"), [(None, "bernoulli"), ("squared_error", "squared_error")])
def test_the_likelihood_stands_beside_values_and_is_told_where_nobody_said_it(hub, likelihood, expected):
    encoder, decoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), nn.Sequential(nn.Linear(2, 64), nn.Sigmoid())
    model = vaehub.wrap(encoder=encoder, decoder=decoder, likelihood=likelihood)
    found = hub.measure("reconstruction_error", model, data="digits")
    assert [likelihood for (likelihood,) in hub.sql("select distinct likelihood from summary")] == [expected]
    told = any("likelihood was taken to be bernoulli" in note for note in found.training.notes)
    assert told is (likelihood is None)
    assert any("held out for validation" in note for note in found.training.notes)


def test_a_class_is_no_model():
    with pytest.raises(VaehubError, match=r"wrap\(\) was given the class 'Hidden'; give an object of it, Hidden\(…\)"):
        vaehub.wrap(Hidden)
