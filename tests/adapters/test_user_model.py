"""Users' own encoders and decoders, in all the ways in which they answer."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import distributions, nn

import vaehub
from vaehub import Batch, Dataset, DataSpec, Step, VaehubError
from vaehub import generator as stream

D = 3


class Encoder(nn.Module):
    """Answers as it is told."""

    def __init__(self, answer):
        super().__init__()
        self.mean, self.log_variance, self.answer = nn.Linear(8, D), nn.Linear(8, D), answer

    def forward(self, x):
        x = x.flatten(1)
        return self.answer(self.mean(x), self.log_variance(x))


class Decoder(nn.Module):
    def __init__(self, answer=lambda x: x.sigmoid(), n=8):
        super().__init__()
        self.layer, self.answer = nn.Linear(D, n), answer

    def forward(self, z):
        return self.answer(self.layer(z))


ANSWERS = {
    "a pair": lambda mu, logvar: (mu, logvar),
    "an object of pythae's": lambda mu, logvar: SimpleNamespace(embedding=mu, log_covariance=logvar),
    "a mapping": lambda mu, logvar: {"mu": mu, "logvar": logvar},
    "a distribution": lambda mu, logvar: distributions.Normal(mu, (0.5 * logvar).exp()),
}
DECODED = {
    "a tensor": lambda x: x.sigmoid().reshape(-1, 1, 2, 4),
    "values in a row": lambda x: x.sigmoid(),
    "an object of pythae's": lambda x: SimpleNamespace(reconstruction=x.sigmoid()),
    "a mapping": lambda x: {"reconstruction": x.sigmoid()},
    "a distribution": lambda x: distributions.Bernoulli(logits=x),
}


@pytest.fixture
def data():
    return Dataset(torch.rand(20, 1, 2, 4, generator=stream(0, "x")))


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_means_and_variances_are_understood(data, answer):
    encoder = Encoder(answer)
    found = vaehub.wrap(encoder=encoder, decoder=Decoder()).encode_all(data)
    x = data.x.flatten(1)
    torch.testing.assert_close(found.mu, encoder.mean(x).detach())
    torch.testing.assert_close(found.logvar, encoder.log_variance(x).detach())


@pytest.mark.parametrize("answer", DECODED.values(), ids=DECODED)
def test_reconstructions_are_understood(data, answer):
    decoder = Decoder(answer)
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=decoder)
    mu = model.encode_all(data).mu
    expected = decoder.layer(mu).sigmoid().reshape(-1, 1, 2, 4)
    torch.testing.assert_close(model.decode(mu), expected, rtol=1e-5, atol=1e-6)


def test_a_mean_alone_is_a_deterministic_encoder(data):
    model = vaehub.wrap(encoder=Encoder(lambda mu, _: mu), decoder=Decoder())
    assert model.encode_all(data).logvar is None
    assert set(model.loss(data.batch(slice(0, 5)), Step(0, 0, stream(0))).terms) == {"reconstruction"}


def test_logits_become_means(data):
    decoder = Decoder(lambda x: x)
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=decoder, output="logits")
    mu = model.encode_all(data).mu
    torch.testing.assert_close(model.decode(mu).flatten(1), decoder.layer(mu).sigmoid())


def test_its_loss_is_that_of_a_vae(data):
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=Decoder())
    batch = data.batch(slice(0, 20))
    found = model.loss(batch, Step(0, 0, stream(1)))
    posterior = model.encode(batch)
    z = posterior.sample(stream(1))
    expected = -distributions.Bernoulli(model.decode(z), validate_args=False).log_prob(batch.x).flatten(1).sum(1).mean()
    normal = distributions.Normal(posterior.mu, (0.5 * posterior.logvar).exp())
    kl = distributions.kl_divergence(normal, distributions.Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(found.terms["reconstruction"], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.terms["kl"], kl)
    torch.testing.assert_close(found.total, expected + kl, rtol=1e-4, atol=1e-4)


def test_data_outside_the_unit_interval_get_a_squared_error():
    x = torch.randn(20, 8, generator=stream(0, "x"))
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=Decoder(lambda x: x))
    batch = Batch(x)
    found = model.loss(batch, Step(0, 0, stream(1)))
    z = model.encode(batch).sample(stream(1))
    torch.testing.assert_close(found.terms["reconstruction"], (model.decode(z) - x).square().sum(1).mean())
    assert found.omitted == pytest.approx(4 * math.log(math.pi))


def test_a_model_with_both_parts_is_taken_whole(data):
    whole = nn.Module()
    whole.encoder, whole.decoder = Encoder(ANSWERS["a pair"]), Decoder()
    assert vaehub.wrap(whole).encode_all(data).mu.shape == (20, D)


@pytest.mark.parametrize("kind", ["scripted", "exported"])
def test_programs_are_taken_as_modules_are(data, kind):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(8, D))
    decoder = nn.Sequential(nn.Linear(D, 8), nn.Sigmoid())
    expected = encoder(data.x).detach()
    if kind == "scripted":
        pair = [torch.jit.script(encoder), torch.jit.script(decoder)]
    else:
        n = torch.export.Dim("n")
        inputs = [(encoder, data.x[:2]), (decoder, expected[:2])]
        pair = [torch.export.export(part, (x,), dynamic_shapes=({0: n},)).module() for part, x in inputs]
    model = vaehub.wrap(encoder=pair[0], decoder=pair[1])
    torch.testing.assert_close(model.encode_all(data).mu, expected)
    assert model.decode(expected).shape == (20, 1, 2, 4)


# What does not fit


def test_without_observations_the_number_of_latents_is_not_known():
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=Decoder())
    with pytest.raises(VaehubError, match="encode some first"):
        _ = model.latent_dim


@pytest.mark.parametrize(
    ("encoder", "decoder", "words"),
    [
        (nn.Linear(7, D), Decoder(), r"the encoder cannot take observations of shape \(1, 2, 4\)"),
        (Encoder(lambda mu, _: "mu"), Decoder(), "the encoder gives a str; readable are a tensor of means"),
        (
            Encoder(lambda mu, logvar: (mu, -logvar[:, :2].square())),
            Decoder(),
            r"shape \(2, 3\) and \(2, 2\) for 2",
        ),
        (Encoder(lambda mu, _: mu[:, :2]), Decoder(), "the decoder cannot take the 2 latents that the encoder gives"),
        (Encoder(lambda mu, _: mu), Decoder(n=9), r"the decoder gives shape \(2, 9\) for 2 observations of shape"),
        (
            Encoder(lambda mu, _: mu),
            Decoder(lambda x: x - 9),
            r"outside \[0, 1\], from .* set output to 'logits'",
        ),
        (Encoder(lambda mu, _: mu), Decoder(lambda x: 3), "the decoder gives a int; a tensor"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_in_one_sentence(data, encoder, decoder, words):
    model = vaehub.wrap(encoder=encoder, decoder=decoder)
    with pytest.raises(VaehubError, match=words) as caught:
        model.meet(data.batch(slice(0, 2)), data.spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "given no model and no encoder"),
        ({"decoder": nn.Identity()}, "given no encoder; give encoder=… and decoder=…"),
        ({"model": nn.Identity()}, "neither a method 'encode' nor an attribute 'encoder'"),
        ({"model": (nn.Identity(),)}, "a pair is an encoder and a decoder"),
        ({"encoder": 3}, "is a torch module or a function, and this is a int"),
        ({"encoder": nn.Identity(), "scale": "sd"}, "scale is 'sd', and is one of 'logvar', 'variance', 'std'"),
        ({"encoder": nn.Identity(), "inputs": "1"}, "inputs is '1', and is the range of values"),
        ({"encoder": nn.Identity(), "inputs": "1..0"}, "inputs is '1..0'"),
        ({"encoder": nn.Identity(), "name": ""}, "a name is printable text of 1 to 80 characters"),
        ({"encoder": nn.Identity(), "weights": "w.pt"}, "weights belong to an import path"),
    ],
)
def test_what_is_no_model_is_refused_at_once(given, words):
    with pytest.raises(VaehubError, match=words):
        vaehub.wrap(**given)


def test_a_spec_of_all_data_counts_more_than_that_of_a_batch():
    x = torch.full((4, 8), 0.5)
    model = vaehub.wrap(encoder=Encoder(ANSWERS["a pair"]), decoder=Decoder(lambda x: x))
    model.meet(Batch(x), DataSpec((8,), in_unit_interval=False))
    mu = model.encode(Batch(x)).mu
    assert torch.equal(model.decode(mu), model.network.decoder.module(mu))
