"""The identifiable VAE."""

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from vaehub import Batch, Dataset, DataSpec, Factors, Hub, Network, Params, Step, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.conditioned.auxiliary import Auxiliary
from vaehub.plugins.models.conditioned.ivae import Conditioned, Ivae, conditioned
from vaehub.plugins.models.conditioned.params import IvaeParams
from vaehub.plugins.models.vae.kernels import kl_to_standard_normal
from vaehub.plugins.networks.convolutions.higgins import ConvHiggins
from vaehub.plugins.networks.convolutions.params import ConvHigginsParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams

SIZES = (3, 1, 5)
TINY = {"data.subset": 600, "data.size": 16, "train.epochs": 4, "network.hidden": [64]}


@pytest.fixture
def data():
    classes = torch.stack([torch.arange(40) % size for size in SIZES], dim=1)
    factors = Factors(names=("shape", "colour", "size"), sizes=SIZES, classes=classes)
    x = torch.rand(40, 2, 4, 3, generator=generator(0, "x"))
    return Dataset(x, labels=torch.arange(40) % 4, factors=factors)


def build(spec, **params):
    chosen = IvaeParams(latent_dim=3, hidden=8, **params)
    with seeded_construction(0):
        return Ivae(chosen, Mlp(MlpParams(hidden=(8,)), spec, 3, 2), spec)


def batch_of(data):
    return data.batch(slice(0, len(data)))


def step():
    return Step(0, 0, generator(0, "noise"))


class Encodes(Network):
    """A network with any encoder."""

    def __init__(self, encoder, spec):
        super().__init__(Params(), spec, 3, 2)
        self.encoder = encoder
        self.decoder = nn.Identity()


# The auxiliary variable


def test_each_factor_is_rescaled_by_its_number_of_values(data):
    u = Auxiliary("factors", data.spec)(batch_of(data))
    assert u.shape == (40, 3)
    assert u[:, 0].unique().tolist() == [0, 0.5, 1]
    assert u[:, 1].unique().tolist() == [0]
    assert u[:, 2].unique().tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_u_of_an_observation_does_not_depend_on_its_batch(data):
    auxiliary = Auxiliary("factors", data.spec)
    assert torch.equal(auxiliary(data.batch(torch.tensor([7]))), auxiliary(batch_of(data))[[7]])


def test_labels_become_one_hot(data):
    u = Auxiliary("labels", data.spec)(batch_of(data))
    assert torch.equal(u, nn.functional.one_hot(data.labels, 4).float())


def test_drawn_classes_are_equally_likely(data):
    u = Auxiliary("factors", data.spec).draw(6000, generator(0, "u"))
    for column, size in zip(u.unbind(dim=1), SIZES, strict=True):
        counts = column.unique(return_counts=True)[1]
        deviation = (6000 / size * (1 - 1 / size)) ** 0.5
        assert len(counts) == size
        assert (counts - 6000 / size).abs().max() <= 5 * deviation


def test_auto_takes_factors_before_labels(data):
    assert build(data.spec).auxiliary.kind == "factors"
    assert build(data.spec, auxiliary="labels").auxiliary.kind == "labels"
    assert build(Dataset(data.x, labels=data.labels).spec).auxiliary.kind == "labels"


# The encoder


def linears(module):
    return [(layer.in_features, layer.out_features) for layer in module.modules() if isinstance(layer, nn.Linear)]


def test_convolutions_with_five_factors_have_the_sizes_of_the_thesis():
    spec = DataSpec((1, 64, 64), in_unit_interval=True, factor_sizes=(3, 6, 40, 32, 32))
    network = ConvHiggins(ConvHigginsParams(), spec, 30, 2)
    model = Ivae(IvaeParams(latent_dim=30), network, spec)
    # Bonheme 2023, Appendix A.2: the flat features and u, 261 units, mean and log variance of 30 latents.
    assert linears(network.encoder) == [(1029, 261), (261, 60)]
    assert linears(model.prior_logvar) == [(5, 50), (50, 50), (50, 50), (50, 30)]
    posterior = model.encode(Batch(torch.rand(2, 1, 64, 64), factors=torch.zeros(2, 5, dtype=torch.int64)))
    assert posterior.mu.shape == (2, 30)


def test_an_encoder_of_one_layer_keeps_its_outputs():
    assert linears(conditioned(nn.Sequential(nn.Flatten(), nn.Linear(6, 4)), 2)) == [(8, 4)]


def test_a_layer_before_a_normalisation_keeps_its_outputs():
    encoder = conditioned(nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4)), 2)
    assert linears(encoder) == [(8, 5), (5, 4)]
    assert encoder(torch.rand(3, 6), torch.rand(3, 2)).shape == (3, 4)


def test_layers_without_bias_stay_without():
    encoder = conditioned(nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 4)), 2)
    assert [layer.bias is None for layer in encoder.modules() if isinstance(layer, nn.Linear)] == [True, False]


def test_what_comes_before_the_first_layer_stays_as_it_was(data):
    network = Mlp(MlpParams(hidden=(8,)), data.spec, 3, 2)
    flatten = network.encoder[0]
    Ivae(IvaeParams(latent_dim=3), network, data.spec)
    assert isinstance(network.encoder, Conditioned)
    assert list(network.encoder.before) == [flatten]


def test_the_posterior_depends_on_u(data):
    model, batch = build(data.spec), batch_of(data)
    other = Batch(batch.x, factors=batch.factors.flip(0))
    assert not torch.allclose(model.encode(batch).mu, model.encode(other).mu)


# The objective


def test_with_one_u_for_all_the_loss_is_that_of_a_vae_with_a_learned_gaussian_prior(data):
    model = build(data.spec, prior_mean="learned", beta=2.5)
    batch = Batch(data.x, factors=torch.tensor([[2, 0, 1]]).expand(40, 3))
    losses = model.loss(batch, step())
    posterior = model.encode(batch)
    prior_mu, prior_logvar = model.prior_given(torch.tensor([[1.0, 0.0, 0.25]]))
    q = Normal(posterior.mu, (0.5 * posterior.logvar).exp())
    z = q.mean + q.stddev * torch.randn(40, 3, generator=generator(0, "noise"))
    reconstruction = -Bernoulli(logits=model.network.decoder(z), validate_args=False).log_prob(data.x)
    kl = kl_divergence(q, Normal(prior_mu[0], (0.5 * prior_logvar[0]).exp()))
    expected = reconstruction.flatten(1).sum(1).mean() + 2.5 * kl.sum(1).mean()
    torch.testing.assert_close(losses.total, expected)


def test_a_prior_fixed_in_mean_and_variance_is_the_standard_normal(data):
    model, batch = build(data.spec, prior_variance="fixed"), batch_of(data)
    posterior = model.encode(batch)
    expected = kl_to_standard_normal(posterior.mu, posterior.logvar).mean()
    torch.testing.assert_close(model.loss(batch, step()).terms["kl"], expected)


def test_only_what_is_learned_of_the_prior_has_weights(data):
    assert linears(build(data.spec).prior_logvar) == [(3, 8), (8, 8), (8, 8), (8, 3)]
    assert build(data.spec).prior_mu is None
    reverse = build(data.spec, prior_mean="learned", prior_variance="fixed")
    assert reverse.prior_logvar is None
    assert (reverse.prior_given(torch.zeros(2, 3))[1] == 0).all()


def test_all_weights_have_a_gradient(data):
    model = build(data.spec, prior_mean="learned")
    model.loss(batch_of(data), step()).total.backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.parameters())


def test_draws_from_the_prior_have_a_row_each_and_the_same_bits_for_the_same_seed(data):
    model = build(data.spec, prior_mean="learned")
    first, second = (model.prior_sample(7, generator(3, "z")) for _ in range(2))
    assert first.shape == (7, 3)
    assert torch.equal(first, second)
    assert not first.requires_grad


def test_draws_from_the_prior_have_its_moments(data):
    # One label alone: the prior is a single Gaussian.
    spec = Dataset(data.x, labels=torch.zeros(40, dtype=torch.int64)).spec
    model = build(spec, prior_mean="learned")
    z = model.prior_sample(20_000, generator(0, "z"))
    mu, logvar = (each[0].detach() for each in model.prior_given(torch.ones(1, 1)))
    deviation = (0.5 * logvar).exp()
    assert ((z.mean(dim=0) - mu).abs() < 5 * deviation / 20_000**0.5).all()
    assert ((z.var(dim=0) / logvar.exp() - 1).abs() < 5 * (2 / 20_000) ** 0.5).all()


# Errors


def test_data_with_neither_labels_nor_factors_are_refused(data):
    words = "model 'ivae' needs labels or factors for its auxiliary variable, and these data have neither; 'sprites'"
    with pytest.raises(VaehubError, match=words):
        build(Dataset(data.x).spec)


def test_data_without_what_was_asked_for_are_refused(data):
    words = "model 'ivae' with auxiliary 'factors' needs data with factors, and these have labels only; '-s model.aux"
    with pytest.raises(VaehubError, match=words):
        build(Dataset(data.x, labels=data.labels).spec, auxiliary="factors")


@pytest.mark.parametrize("kind", ["labels", "factors"])
def test_observations_without_u_are_refused(data, kind):
    words = f"model 'ivae' needs the {kind} of every observation, and these observations have none; data with"
    with pytest.raises(VaehubError, match=words):
        build(data.spec, auxiliary=kind).encode(Batch(data.x))


def test_observations_with_other_factors_are_refused(data):
    with pytest.raises(VaehubError, match="model 'ivae' was built for 3 factors, and these observations have 2; data"):
        build(data.spec).encode(Batch(data.x, factors=torch.zeros(40, 2, dtype=torch.int64)))


@pytest.mark.parametrize("encoder", [nn.Linear(6, 6), nn.Sequential(nn.Flatten(), nn.ReLU())])
def test_an_encoder_that_cannot_be_split_is_refused(data, encoder):
    words = f"encoder, '{type(encoder).__name__}', is no sequence of layers with one; 'mlp' and 'conv_higgins' are"
    with pytest.raises(VaehubError, match=words):
        Ivae(IvaeParams(latent_dim=3), Encodes(encoder, data.spec), data.spec)


# Training


@pytest.mark.parametrize(("dataset", "settings"), [("digits", {"train.epochs": 4}), ("sprites", TINY)])
def test_its_loss_falls(tmp_path, dataset, settings):
    hub = Hub.open(tmp_path / "store", device="cpu")
    chosen = {"model.latent_dim": 4, "model.prior_mean": "learned", **settings}
    recipe = hub.recipe("ivae", dataset=dataset, settings=chosen)
    assert hub.train(recipe).status == "done"
    losses = [epoch["train"]["total"] for epoch in hub.store.epochs(recipe.id)]
    assert losses[-1] < 0.95 * losses[0]
    model, data = hub.model(recipe)
    assert model.encode_all(data.first(10)).mu.shape == (10, 4)


@pytest.mark.parametrize("dataset", ["digits", "sprites"])
def test_trained_together_it_is_as_one_by_one(tmp_path, dataset):
    settings = {"model.latent_dim": 4, "train.epochs": 2, "model.prior_mean": "learned", "data.subset": 300}
    settings |= {"data.size": 16, "network.hidden": [32]} if dataset == "sprites" else {}
    found = {}
    for together in (True, False):
        hub = Hub.open(tmp_path / str(together), device="cpu")
        chosen = {**settings, "train.together": together}
        hub.run("ivae", "elbo", dataset=dataset, seed=(0, 1), settings=chosen)
        recipes = [hub.recipe("ivae", dataset=dataset, seed=seed, settings=chosen) for seed in (0, 1)]
        found[together] = [[epoch["train"]["total"] for epoch in hub.store.epochs(each.id)] for each in recipes]
        notes = [note for each in recipes for note in hub.train(each).notes]
        assert any("trained together with seeds 0, 1" in note for note in notes) == together
    torch.testing.assert_close(torch.tensor(found[True]), torch.tensor(found[False]), rtol=1e-4, atol=0)
