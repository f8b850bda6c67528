"""What every model has from its contract."""

import math

import pytest
import torch

from vaehub import (
    EVALUATION_BATCH,
    Batch,
    Dataset,
    LatentModel,
    ModelParams,
    Network,
    Params,
    Posterior,
    WorkFailed,
    generator,
)


class Normed(LatentModel):
    """An encoder with batch normalisation, which behaves otherwise in training."""

    def __init__(self, data):
        super().__init__(ModelParams(latent_dim=2), Network(Params(), data.spec, 2, 2), data.spec)
        self.encoder = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))

    def encode(self, batch):
        return Posterior.split(self.encoder(batch.x))

    def decode(self, z):
        return z

    def loss(self, batch, step):
        raise AssertionError("not asked for")

    def prior_sample(self, n, generator):
        return torch.randn(n, 2, generator=generator)


@pytest.fixture
def data():
    return Dataset(torch.rand(EVALUATION_BATCH + 50, 3, generator=generator(0)))


def test_means_stand_before_log_variances():
    posterior = Posterior.split(torch.arange(8.0).reshape(2, 4))
    assert posterior.mu.tolist() == [[0, 1], [4, 5]]
    assert posterior.logvar.tolist() == [[2, 3], [6, 7]]


def test_a_deterministic_posterior_has_one_draw():
    mu = torch.rand(3, 2)
    assert torch.equal(Posterior(mu, None).sample(generator(0)), mu)


def test_a_posterior_without_a_number_is_said_to_be_of_which_observations_and_latents():
    mu, logvar = torch.zeros(4, 3), torch.zeros(4, 3)
    mu[1, 2], logvar[1, 0], logvar[3, 0] = math.nan, math.inf, math.nan
    with pytest.raises(WorkFailed, match="variances for 2 of 4 observations, in latents 0, 2; nothing"):
        Posterior(mu, logvar).checked()
    with pytest.raises(WorkFailed, match="variances for 1 of 4 observations, in latents 2; nothing"):
        Posterior(mu, None).checked()


def test_a_checked_posterior_has_the_same_values_in_double_precision():
    # A variance of 0 is one, and one beyond single precision too.
    posterior = Posterior(torch.rand(3, 2), torch.tensor([[0.0, -math.inf], [100.0, 1.0], [-3.0, 2.0]]))
    found = posterior.checked()
    assert torch.equal(found.mu, posterior.mu.double())
    assert torch.equal(found.logvar, posterior.logvar.double())
    assert Posterior(posterior.mu, None).checked().logvar is None


def test_encoding_in_chunks_is_encoding_at_once_as_in_evaluation(data):
    model = Normed(data).train()
    found = model.encode_all(data)
    with torch.no_grad():
        expected = model.eval().encode(Batch(data.x))
    torch.testing.assert_close(found.mu, expected.mu)
    torch.testing.assert_close(found.logvar, expected.logvar)


def test_encoding_learns_nothing_and_changes_no_mode(data):
    model = Normed(data).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = model.encode_all(data)
    assert model.training
    assert not found.mu.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_contract_that_is_not_kept_cannot_be_built(data):
    with pytest.raises(TypeError, match="abstract"):
        LatentModel(ModelParams(), Network(Params(), data.spec, 2, 2), data.spec)


def test_the_same_stream_draws_the_same_z():
    posterior = Posterior(torch.zeros(3, 2), torch.zeros(3, 2))
    assert torch.equal(posterior.sample(generator(4)), posterior.sample(generator(4)))


class Conditional(Normed):
    """Encodes the label with a code that has no variance."""

    widest = 0

    def encode(self, batch):
        self.widest = max(self.widest, len(batch))
        return Posterior(torch.stack([batch.labels.float(), batch.x[:, 0]], dim=1), None)


@pytest.fixture
def labelled(data):
    return Dataset(data.x, labels=torch.arange(len(data)) % 10)


def test_an_encoder_sees_the_labels_of_its_own_observations(labelled):
    found = Conditional(labelled).encode_all(labelled).mu
    assert torch.equal(found, torch.stack([labelled.labels.float(), labelled.x[:, 0]], dim=1))


def test_a_deterministic_encoder_has_no_variance_over_all_data_either(labelled):
    assert Conditional(labelled).encode_all(labelled).logvar is None


def test_no_more_than_an_evaluation_batch_is_encoded_at_once(labelled):
    model = Conditional(labelled)
    model.encode_all(labelled)
    assert model.widest == EVALUATION_BATCH


def test_a_model_in_evaluation_stays_in_evaluation(data):
    model = Normed(data).eval()
    model.encode_all(data)
    assert not model.training


def test_a_model_has_as_many_latents_as_its_parameters_say(data):
    assert Normed(data).latent_dim == 2


def test_a_prior_is_fixed_unless_a_model_says_otherwise(data):
    assert Normed(data).learned_prior_variance is None


def test_a_prior_is_standard_normal_or_has_the_variances_that_were_learned(tmp_path):
    from vaehub import Hub

    hub = Hub.open(tmp_path / "store", device="cpu")
    settings = {"model.latent_dim": 3, "train.epochs": 1, "data.subset": 64}
    for name in ("vae", "ard"):
        model, data = hub.model(hub.recipe(name, settings=settings))
        mu, logvar = model.prior_all(data)
        assert mu.shape == logvar.shape == (len(data), 3)
        learned = model.learned_prior_variance
        expected = torch.ones(3) if learned is None else learned
        assert torch.allclose(logvar.exp(), expected.expand(len(data), 3))
        assert not mu.any()
