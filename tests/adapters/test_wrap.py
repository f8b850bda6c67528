"""Models as people have them: with methods, in any number format, in training mode, with latents of any shape."""

import copy
import functools
import gc

import pytest
import torch
from torch import nn

import vaehub
from vaehub import Dataset, Hub, VaehubError
from vaehub import generator as stream

N, D = 80, 3


class Vae(nn.Module):
    """As most are written: an encoder without its last layers, and methods that make it whole."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.fc_mu, self.fc_logvar = nn.Linear(8, D), nn.Linear(8, D)
        self.decoder = nn.Sequential(nn.Linear(D, 16), nn.Sigmoid())

    def encode(self, x):
        h = self.encoder(x)
        return self.fc_mu(h), self.fc_logvar(h)

    def decode(self, z):
        return self.decoder(z).reshape(-1, 1, 4, 4)


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture
def vae():
    model = Vae()
    model.encoder[2].running_mean.uniform_(-0.3, 0.3)
    return model


@pytest.fixture
def data():
    return Dataset(torch.rand(N, 1, 4, 4, generator=stream(0, "x")))


def expected_of(vae, data):
    with torch.no_grad():
        whole = copy.deepcopy(vae).eval()
        return whole.encode(data.x)


@pytest.mark.parametrize(
    "wrapped",
    [
        vaehub.wrap,
        lambda vae: vaehub.wrap(encoder=vae.encode, decoder=vae.decode),
        lambda vae: vaehub.wrap((vae.encode, vae.decode)),
        lambda vae: vaehub.wrap(encoder=lambda x: vae.encode(x), decoder=lambda z: vae.decode(z)),
        lambda vae: vaehub.wrap(encoder=functools.partial(Vae.encode, vae), decoder=functools.partial(Vae.decode, vae)),
    ],
    ids=["the object", "methods", "a pair", "functions", "partials"],
)
def test_methods_and_functions_are_measured_in_evaluation_mode_and_stay_as_they_are(hub, vae, data, wrapped):
    vae.train()
    before = copy.deepcopy(vae.state_dict())
    mu, logvar = expected_of(vae, data)
    found = wrapped(vae).encode_all(data)
    torch.testing.assert_close(found.mu, mu)
    torch.testing.assert_close(found.logvar, logvar)
    measured = hub.measure("elbo", wrapped(vae), data=data)
    assert measured["elbo"] == hub.measure("elbo", vaehub.wrap(copy.deepcopy(vae).eval()), data=data)["elbo"]
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert all(module.training for module in vae.modules())
    assert all(weight.grad is None and weight.requires_grad for weight in vae.parameters())
    assert not any(module._forward_hooks for module in vae.modules())


def test_wrapping_alone_changes_no_mode(vae):
    vae.train()
    vae.encoder.eval()
    modes = [module.training for module in vae.modules()]
    for wrapped in (vaehub.wrap(vae), vaehub.wrap(encoder=nn.Sequential(vae.encoder, vae.fc_mu))):
        assert [module.training for module in vae.modules()] == modes, wrapped


def test_weights_of_an_object_with_two_methods_are_stored_once(hub, vae, data):
    found = hub.measure("elbo", vaehub.wrap(vae), data=data)
    stored = hub.store.weights(found.training.id)
    assert sum(array.size for array in stored.values()) == sum(value.numel() for value in vae.state_dict().values())


def test_one_copy_of_the_weights_is_kept_beside_the_users(hub, data):
    big = nn.Linear(D, 1000)
    decoder = nn.Sequential(big, nn.Linear(1000, 16), nn.Sigmoid())
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, 2 * D))
    for metric in ("elbo", "relevance"):
        hub.measure(metric, vaehub.wrap(encoder=encoder, decoder=decoder, statistics="concatenated"), data=data)
    gc.collect()
    kinds = (torch.Tensor, nn.Parameter)
    alive = [each for each in gc.get_objects() if type(each) in kinds and each.shape == big.weight.shape]
    assert len({each.untyped_storage().data_ptr() for each in alive}) == 2


def test_copies_are_dropped_when_there_are_too_many(hub, vae, data, monkeypatch):
    from vaehub.hub import builder

    monkeypatch.setattr(builder, "LIMIT", 1)
    recipes = []
    for _ in range(3):
        with torch.no_grad():
            vae.fc_mu.bias.add_(1)
        recipes.append(hub.take(vaehub.wrap(vae), data))
    assert [hub.model(recipe)[0].latent_dim for recipe in recipes[1:]] == [D, D]
    with pytest.raises(VaehubError, match="was handed over in memory; wrap it again"):
        hub.model(recipes[0])


def test_what_is_measured_is_the_model_as_it_was_then(hub, vae, data):
    recipe = hub.take(vaehub.wrap(vae), data)
    expected, _ = expected_of(vae, data)
    with torch.no_grad():
        vae.fc_mu.weight.mul_(3)
    model, _ = hub.model(recipe)
    torch.testing.assert_close(model.encode_all(data).mu, expected)
    assert hub.take(vaehub.wrap(vae), data).id != recipe.id


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-5), (torch.bfloat16, 0.05), (torch.float16, 0.01)])
def test_any_number_format_is_taken(hub, vae, data, dtype, rtol):
    wanted = hub.measure("elbo", vaehub.wrap(vae), data=data)["elbo"]
    other = copy.deepcopy(vae).to(dtype)
    found = hub.measure("elbo", vaehub.wrap(other), data=data)
    assert found["elbo"] == pytest.approx(wanted, rel=rtol)
    relevance = hub.measure("relevance", vaehub.wrap(other), data=data)
    assert relevance["relevance"].shape == (D,)
    assert next(other.parameters()).dtype == dtype


def test_observations_are_scaled_to_the_models_range_and_decoded_ones_back(hub, data):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, D))
    decoder = nn.Sequential(nn.Linear(D, 16), nn.Tanh())
    model = vaehub.wrap(encoder=encoder, decoder=decoder, inputs="-1..1")
    mu = model.encode_all(data).mu
    torch.testing.assert_close(mu, encoder(2 * data.x - 1).detach())
    torch.testing.assert_close(model.decode(mu).flatten(1), (decoder(mu) + 1) / 2, rtol=1e-5, atol=1e-6)
    assert hub.take(model, data).id != hub.take(vaehub.wrap(encoder=encoder, decoder=decoder, inputs="-2..1"), data).id


def test_a_range_of_inputs_is_for_data_in_the_unit_interval():
    x = Dataset(torch.randn(N, 16, generator=stream(0, "x")))
    model = vaehub.wrap(encoder=nn.Linear(16, D), decoder=nn.Linear(D, 16), inputs="-1..1")
    with pytest.raises(VaehubError, match=r"values in -1..1, .* and these data are not in \[0, 1\]"):
        model.encode_all(x)


def test_latents_of_any_shape_are_flattened_and_told(hub, data):
    encoder, decoder = nn.Conv2d(1, 4, 2, stride=2), nn.ConvTranspose2d(2, 1, 2, stride=2)
    model = vaehub.wrap(encoder=encoder, decoder=nn.Sequential(decoder, nn.Sigmoid()), statistics="concatenated")
    found = model.encode_all(data)
    mu, logvar = encoder(data.x).detach().chunk(2, dim=1)
    torch.testing.assert_close(found.mu, mu.flatten(1))
    torch.testing.assert_close(found.logvar, logvar.flatten(1))
    torch.testing.assert_close(model.decode(found.mu), decoder(mu).sigmoid(), rtol=1e-5, atol=1e-6)
    measured = hub.measure("relevance", model, data=data)
    assert measured["relevance"].shape == (8,)
    assert "latents of shape (2, 2, 2) are flattened to 8" in measured.training.notes
    assert measured.training.recipe["model"]["params"]["latent_shape"] == [2, 2, 2]


def test_one_tensor_of_both_statistics_is_refused_with_what_it_may_be(data):
    both = nn.Sequential(nn.Flatten(), nn.Linear(16, 2 * D))
    with pytest.raises(VaehubError, match="It takes 3: if the encoder gives means and log variances side by side"):
        vaehub.wrap(encoder=both, decoder=nn.Sequential(nn.Linear(D, 16), nn.Sigmoid())).encode_all(data)


def test_an_encoder_alone_is_measured_by_what_needs_no_decoder(hub, data):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, D))
    found = hub.measure("representation_dimension", vaehub.wrap(encoder=encoder), data=data)
    assert found.result.tables or found.result.vectors or found.result.scalars
    with pytest.raises(VaehubError, match="needs a model with a decoder, and this one has none"):
        hub.measure("relevance", vaehub.wrap(encoder=encoder), data=data)


def test_means_alone_have_no_prior_unless_it_is_said_and_variances_have_one(vae, data):
    def met(**more):
        found = vaehub.wrap(decoder=vae.decode, name="mine", **more)
        found.meet(data.batch(slice(0, 2)), data.spec)
        return found

    random = stream(0, "prior")
    means = lambda x: vae.encode(x)[0]  # noqa: E731
    with pytest.raises(VaehubError, match=r"'mine' gives means without variances, .* prior='standard_normal'"):
        met(encoder=means).prior_sample(5, random)
    assert met(encoder=means, prior="standard_normal").prior_sample(5, random).shape == (5, D)
    assert met(encoder=vae.encode).prior_sample(5, random).shape == (5, D)
    with pytest.raises(VaehubError, match="prior is 'mixture', and is one of 'standard_normal'"):
        vaehub.wrap(encoder=means, prior="mixture")


def test_means_that_leave_the_unit_interval_are_taken_if_that_is_said(hub, data):
    encoder, decoder = nn.Sequential(nn.Flatten(), nn.Linear(16, D)), nn.Linear(D, 16)
    with pytest.raises(VaehubError, match="if nothing bounds them, set output to 'unbounded'"):
        vaehub.wrap(encoder=encoder, decoder=decoder).encode_all(data)
    model = vaehub.wrap(encoder=encoder, decoder=decoder, output="unbounded")
    mu = model.encode_all(data).mu
    torch.testing.assert_close(model.decode(mu).flatten(1), decoder(mu))
    error = (decoder(mu) - data.x.flatten(1)).square().sum(1).mean()
    terms = model.loss(data.batch(slice(0, N)), vaehub.Step(0, 0, stream(0))).terms
    torch.testing.assert_close(terms["reconstruction"], error)


def test_two_encoders_of_one_object_that_differ_are_refused(vae, data):
    whole = nn.Module()
    whole.encoder, whole.decoder = nn.Sequential(vae.encoder, nn.Linear(8, D), Pair()), vae.decoder
    whole.encode = lambda x: whole.encoder(x)[0]
    with pytest.raises(VaehubError, match=r"say which to measure: wrap\(model, encoder=model.encode\)"):
        vaehub.wrap(whole).encode_all(data)
    assert vaehub.wrap(whole, encoder=whole.encoder).encode_all(data).logvar is not None
    assert vaehub.wrap(whole, encoder=whole.encode).encode_all(data).logvar is None


class Overwriting(nn.Module):
    """Works on its input in place, as augmentations and some activations do."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x.mul_(2))


def test_a_model_that_overwrites_its_input_changes_no_data(hub, data):
    encoder, decoder = nn.Sequential(nn.Flatten(), nn.Linear(16, D)), nn.Sequential(nn.Linear(D, 16), nn.Sigmoid())
    before = data.x.clone()
    model = vaehub.wrap(encoder=Overwriting(encoder), decoder=Overwriting(decoder))
    for _ in range(2):
        torch.testing.assert_close(model.encode_all(data).mu, encoder(2 * before).detach())
    z = torch.ones(5, D)
    torch.testing.assert_close(model.decode(z).flatten(1), decoder(2 * z), rtol=1e-5, atol=1e-6)
    hub.measure("elbo", vaehub.wrap(encoder=Overwriting(nn.Sequential(encoder, Pair())), decoder=decoder), data=data)
    assert torch.equal(data.x, before)
    assert torch.equal(z, torch.ones(5, D))


class Pair(nn.Module):
    def forward(self, mu):
        return mu, -mu.square()


class Masked(nn.Module):
    """Drops values at random in evaluation mode too, as masked autoencoders do."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, D)

    def forward(self, x):
        x = x.flatten(1)
        return self.layer(x * (torch.rand_like(x) > 0.5))


def test_randomness_in_evaluation_mode_is_noticed_and_no_global_stream_moves(data):
    masked = Masked()
    before = torch.get_rng_state()
    with pytest.raises(VaehubError, match="it draws at random"):
        vaehub.wrap(encoder=masked).encode_all(data)
    assert torch.equal(torch.get_rng_state(), before)


class Noisy(nn.Module):
    def forward(self, z):
        return torch.rand(len(z), 16)


def test_a_decoder_that_draws_at_random_is_noticed(data):
    with pytest.raises(VaehubError, match="the decoder gives other values for the same latents"):
        vaehub.wrap(encoder=nn.Sequential(nn.Flatten(), nn.Linear(16, D)), decoder=Noisy()).encode_all(data)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_named(hub, vae, data, value):
    with torch.no_grad():
        vae.fc_mu.weight[0, 0] = value
    with pytest.raises(VaehubError, match=r"fc_mu.weight' is (NaN|infinite) in 1 of its"):
        hub.measure("elbo", vaehub.wrap(vae), data=data)
    assert not hub.store.exists


def _with_lazy_layer(vae):
    vae.fc_mu = nn.LazyLinear(D)
    return vae


@pytest.mark.parametrize("empty", [lambda module: module.to("meta"), _with_lazy_layer], ids=["meta", "lazy"])
def test_weights_without_values_are_refused(hub, vae, data, empty):
    with pytest.raises(VaehubError, match="has no values yet"):
        hub.measure("elbo", vaehub.wrap(empty(vae)), data=data)
    assert not hub.store.exists


class Counting(Vae):
    """Keeps account of its calls, in a buffer, a number and a list."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.calls, self.given = 0, []

    def encode(self, x):
        self.seen += len(x)
        self.calls += 1
        self.given.append(x)
        return super().encode(x)


def test_a_model_that_counts_its_calls_is_not_called(hub, data):
    model = Counting().train()
    found = hub.measure("elbo", vaehub.wrap(model), data=data)
    assert (model.seen.item(), model.calls, model.given) == (0, 0, [])
    assert all(each.training for each in model.modules())
    assert hub.measure("elbo", vaehub.wrap(model), data=data).training.id == found.training.id


@pytest.mark.parametrize("around", [nn.DataParallel, lambda each: torch.compile(each, backend="eager")])
def test_a_parallel_or_compiled_model_is_read_as_the_plain_one(hub, vae, data, around):
    plain = hub.measure("elbo", vaehub.wrap(vae), data=data)
    assert hub.measure("elbo", vaehub.wrap(around(vae)), data=data).training.id == plain.training.id


CODE = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 6)

    def forward(self, x):
        return self.layer(x.flatten(1))

def make():
    torch.manual_seed(1)
    return Encoder(), nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())
"""


def test_a_model_with_an_import_path_is_found_again_by_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_of_tests.py").write_text(CODE)
    wrapped = vaehub.wrap("model_of_tests:make", statistics="concatenated", name="mine")
    found = Hub.open("store", device="cpu").measure("elbo", wrapped, data="digits")
    other = Hub.open("store", device="cpu")
    assert other.measure("elbo", found.training.id)["elbo"] == found["elbo"]
    assert other.measure("relevance", found.training.id)["relevance"].shape == (3,)
    assert other.model(found.training.id)[0].latent_dim == 3
    # Of another length: Python takes compiled code for up to date where the source has the same length and second.
    (tmp_path / "model_of_tests.py").write_text(CODE.replace("manual_seed(1)", "manual_seed(22)"))
    monkeypatch.delitem(__import__("sys").modules, "model_of_tests")
    with pytest.raises(VaehubError, match="no longer those that were measured"):
        Hub.open("store", device="cpu").measure("variable_types", found.training.id)


def test_a_model_of_which_a_part_was_replaced_is_not_made_again_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_in_part.py").write_text(CODE)
    whole = vaehub.wrap("model_in_part:make", statistics="concatenated")
    part = vaehub.wrap(
        "model_in_part:make", statistics="concatenated", decoder=nn.Sequential(nn.Linear(3, 64), nn.Sigmoid())
    )
    hub = Hub.open("store", device="cpu")
    other = Hub.open("store", device="cpu")
    assert other.model(hub.take(whole, "digits").id)[0].latent_dim == 3
    with pytest.raises(VaehubError, match="was handed over in memory; wrap it again"):
        other.model(hub.take(part, "digits").id)


class Uncopied(nn.Linear):
    def __deepcopy__(self, memo):
        raise RuntimeError("it holds a lock")


def test_a_model_that_cannot_be_copied_is_measured_itself_with_a_warning(hub, data, caplog):
    encoder = nn.Sequential(nn.Flatten(), Uncopied(16, D), nn.Dropout(0.5)).train()
    found = hub.measure("representation_dimension", vaehub.wrap(encoder=encoder), data=data)
    assert found.result.vectors
    assert "the model cannot be copied (it holds a lock), so it is measured itself" in caplog.text
    assert encoder.training
