"""RAE and WAE."""

import numpy as np
import pytest
import torch

from vaehub import Batch, Dataset, Epoch, Step, generator
from vaehub.core.random import seeded_construction
from vaehub.plugins.models.regularised.kernels import SCALES, mmd2_imq
from vaehub.plugins.models.regularised.params import RaeParams, WaeParams
from vaehub.plugins.models.regularised.rae import Rae
from vaehub.plugins.models.regularised.wae import Wae
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams


@pytest.fixture
def data():
    return Dataset(torch.rand(40, 2, 4, 3, generator=generator(0, "x")))


def build(kind, params, data):
    with seeded_construction(0):
        return kind(params, Mlp(MlpParams(hidden=(8,)), data.spec, params.latent_dim, kind.n_statistics), data.spec)


@pytest.mark.parametrize("name", ["same", "shift", "collapsed"])
def test_discrepancy_agrees_with_the_code_of_wae(oracles, name):
    oracle = np.load(oracles / "mmd.npz")
    found = mmd2_imq(oracle["p"], oracle[f"q_{name}"])
    np.testing.assert_allclose(found, oracle[f"mmd2_imq_q_{name}"], rtol=1e-9)


def test_discrepancy_of_a_sample_from_itself_is_that_of_its_pairs(rng):
    p = rng.normal(size=(30, 4))
    squared = ((p[:, None] - p[None]) ** 2).sum(axis=2)
    kernel = sum(8 * s / (8 * s + squared) for s in SCALES)
    n = len(p)
    pairs = (kernel.sum() - n * len(SCALES)) / (n * (n - 1))
    assert mmd2_imq(p, p) == pytest.approx(2 * pairs - 2 * kernel.mean())
    assert mmd2_imq(p, p) < 0


def test_discrepancy_is_symmetric_and_grows_with_a_shift(rng):
    p, q = rng.normal(size=(2, 100, 3))
    assert mmd2_imq(p, q) == pytest.approx(mmd2_imq(q, p))
    shifted = [float(mmd2_imq(p, q + shift)) for shift in (0, 1, 2, 4)]
    assert shifted == sorted(shifted)
    assert np.isnan(mmd2_imq(p[:1], q[:1]))


def test_a_wae_weighs_reconstruction_and_discrepancy(data):
    model = build(Wae, WaeParams(latent_dim=3, mmd_weight=7), data)
    losses = model.loss(Batch(data.x), Step(0, 0, generator(0, "noise")))
    z = model.encode(Batch(data.x)).mu
    prior = torch.randn(40, 3, generator=generator(0, "noise"))
    torch.testing.assert_close(losses.terms["mmd2"], mmd2_imq(prior, z))
    error = (model.decode(z) - data.x).square().flatten(1).sum(1).mean()
    torch.testing.assert_close(losses.total, 0.05 * error + 7 * losses.terms["mmd2"])


def test_an_rae_is_the_published_objective_times_the_number_of_pixels(data):
    model = build(Rae, RaeParams(latent_dim=3, latent_weight=0.2, decoder_weight=0.01), data)
    losses = model.loss(Batch(data.x), Step(0, 0, generator(0)))
    z = model.encode(Batch(data.x)).mu
    # Summed over channels and averaged over the twelve pixels, as its code has it.
    error = (model.decode(z) - data.x).square().sum(1).mean((1, 2)).mean()
    weights = sum(float(weight.detach().square().sum()) for weight in model.network.decoder.parameters())
    published = error + 0.2 * 0.5 * z.square().sum(1).mean() + 0.01 * weights
    torch.testing.assert_close(losses.total, 12 * published)


def fitted(model, data):
    model.training_ended(Epoch(1, data, generator(0, "end")))
    return model


def test_before_anything_is_fitted_draws_are_standard_normal(data):
    z = build(Rae, RaeParams(latent_dim=2), data).prior_sample(50_000, generator(0, "z"))
    torch.testing.assert_close(z.mean(0), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(z.T.cov(), torch.eye(2), atol=0.03, rtol=0)


@pytest.mark.parametrize("n_components", [1, 3])
def test_draws_have_the_mean_and_covariance_of_the_codes(data, n_components):
    model = fitted(build(Rae, RaeParams(latent_dim=2, n_components=n_components), data), data)
    z = model.encode_all(data).mu
    drawn = model.prior_sample(200_000, generator(0, "z"))
    # A mixture that is fitted by maximum likelihood keeps the sample's mean and, up to its floor, covariance.
    torch.testing.assert_close(drawn.mean(0), z.mean(0), atol=5e-3, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), z.T.cov(correction=0), atol=2e-3, rtol=0.05)


def test_the_fitted_density_is_stored_with_the_weights(data):
    model = fitted(build(Rae, RaeParams(latent_dim=2, n_components=3), data), data)
    other = build(Rae, RaeParams(latent_dim=2, n_components=3), data)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.prior_sample(10, generator(5)), model.prior_sample(10, generator(5)))


def test_the_same_training_fits_the_same_density(data):
    first, second = (fitted(build(Rae, RaeParams(latent_dim=2), data), data).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_fewer_codes_than_components_are_fitted_with_fewer(data):
    model = fitted(build(Rae, RaeParams(latent_dim=2, n_components=10), data.first(4)), data.first(4))
    assert (model.mixture > 0).sum() == 4
    assert torch.isfinite(model.prior_sample(100, generator(0))).all()
