"""A trained linear VAE beside what the covariance of the data predicts."""

import numpy as np
import pytest
import torch

from vaehub import Dataset, Hub, TrainParams, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.hub.refusals import refuse
from vaehub.plugins.linear_vae import moments as spectra
from vaehub.plugins.linear_vae.kernels import (
    diagonal_variance,
    mean_distance,
    ppca_solution,
    predicted_variance,
)
from vaehub.plugins.linear_vae.linear_vae_theory import LinearVaeTheory
from vaehub.plugins.linear_vae.model import LinearVae
from vaehub.plugins.linear_vae.moments import Moments
from vaehub.plugins.linear_vae.params import LinearVaeParams, LinearVaeTheoryParams
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.params import LinearParams
from vaehub.training.fit import fit


@pytest.fixture
def data(rng):
    """Axes of variances 8, 4, 2, 0.8, 0.5 and 0.1: of four latents, a gamma of 1 keeps three."""
    x = rng.normal(size=(4000, 6))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T
    return Dataset(x * np.sqrt([8, 4, 2, 0.8, 0.5, 0.1])).with_validation(0, generator(0))


def metric():
    return LinearVaeTheory(LinearVaeTheoryParams())


def measured(data, *, epochs=1, **params):
    params = LinearVaeParams(**{"latent_dim": 4, "decoder_variance": 1.0, **params})
    with seeded_construction(0):
        model = LinearVae(params, Linear(LinearParams(), data.spec, 4, 1), data.spec)
    if epochs:
        fit(model, data, TrainParams(epochs=epochs, batch_size=200, learning_rate=0.01), seed=0)
    refuse(metric(), model, data)
    with torch.no_grad():
        return metric().measure(model.eval(), data)


# Squared lengths of columns are 4 and 1, so that eigenvalues are those plus gamma: Bonheme 2023, Section 4.2.
@pytest.mark.parametrize(("gamma", "expected"), [(0.1, [1 / 41, 1 / 11]), (100, [0.9615, 0.9901])])
def test_predictions_are_those_that_the_thesis_quotes(gamma, expected):
    np.testing.assert_allclose(predicted_variance(np.array([4.0, 1]) + gamma, gamma), expected, atol=5e-5)


@pytest.mark.parametrize("beta", [0.3, 1, 4, 100])
def test_the_prediction_is_the_best_variance_of_the_best_decoder(oracles, beta):
    with np.load(oracles / "ppca.npz") as file:
        x = file["X"]
    covariance = np.cov(x.T, bias=True)
    weights, _, gamma = ppca_solution(x.mean(0), covariance, 5, None, beta)
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1][:5].copy()
    found = predicted_variance(eigenvalues, float(gamma), beta)
    np.testing.assert_allclose(found, diagonal_variance(weights, float(gamma), beta), rtol=1e-9)
    np.testing.assert_array_equal(found < 1, eigenvalues > beta * gamma)


def test_a_variance_grows_with_beta_up_to_that_of_the_prior():
    eigenvalue, betas = np.array([2.0]), [0.1, 1.0, 3.9, 4.0, 5.0, 1e6]
    found = [float(predicted_variance(eigenvalue, 0.5, beta)[0]) for beta in betas]
    np.testing.assert_allclose(found, [0.025, 0.25, 0.975, 1, 1, 1])


def test_directions_without_variance_are_passive():
    np.testing.assert_array_equal(predicted_variance(np.array([0.0, -1e-18]), 0.1), [1, 1])


@pytest.mark.parametrize("widest", [0, 10])
def test_encoders_that_differ_where_data_do_not_vary_have_the_same_means(rng, monkeypatch, widest):
    monkeypatch.setattr(spectra, "WIDEST", widest)
    x = rng.normal(size=(50, 3)) * [1, 2, 0] + [0, 0, 4]
    found = Moments.of(Dataset(x))
    difference = torch.tensor([[0, 0, 5.0], [0, 0, -3.0]], dtype=torch.float64)
    assert found.variance_along(difference) == pytest.approx(0, abs=1e-12)
    other = torch.tensor(rng.normal(size=(2, 3)))
    means = Dataset(x).x.double().numpy() @ other.numpy().T
    assert found.variance_along(other) == pytest.approx(means.var(axis=0).sum())


def test_a_distance_is_a_share_of_the_means_deviation():
    offset = np.array([0.3, 0.4])
    assert mean_distance(offset, np.array(0.75), np.array(4.0)) == pytest.approx(0.5)
    assert np.isnan(mean_distance(offset, np.array(0.75), np.array(0.0)))


def test_wide_data_have_the_spectrum_of_their_covariance(rng, monkeypatch):
    data = Dataset(rng.normal(size=(600, 40)) @ rng.normal(size=(40, 40)))
    held = Moments.of(data).leading(7)
    monkeypatch.setattr(spectra, "WIDEST", 39)
    read = Moments.of(data)
    assert read.covariance is None
    for found, expected in zip(read.leading(7), held, strict=True):
        if found.ndim == 2:
            found, expected = found @ found.mT, expected @ expected.mT
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [1, 4])
def test_wide_data_of_few_directions_have_eigenvalues_of_0(rng, monkeypatch, n):
    monkeypatch.setattr(spectra, "WIDEST", 39)
    eigenvalues, vectors, rest = Moments.of(Dataset(rng.normal(size=(n, 40)))).leading(6)
    assert (eigenvalues[: n - 1] > 0.1).all()
    assert float(eigenvalues[n - 1 :].abs().max()) < 1e-12
    assert rest == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(vectors.mT @ vectors, torch.eye(6, dtype=torch.float64))


def test_the_closed_form_is_where_theory_says(data):
    found = measured(data, solution="closed_form")
    vectors = {name: vector.values for name, vector in found.vectors.items()}
    # Data and weights are of single precision.
    np.testing.assert_allclose(vectors["eigenvalue"], [8, 4, 2, 0.8], rtol=1e-5)
    for name in ("predicted_variance", "trained_variance", "variance_of_decoder"):
        np.testing.assert_allclose(vectors[name], [1 / 8, 1 / 4, 1 / 2, 1], rtol=1e-5)
    assert found.scalars["max_difference"] < 1e-5
    assert found.scalars["mean_error"] < 1e-5
    assert found.scalars["n_trained_active"] == found.scalars["n_predicted_active"] == 3


def test_beta_takes_latents_away(data):
    found = measured(data, solution="closed_form", beta=3)
    assert found.scalars["threshold"] == pytest.approx(3)
    assert [found.scalars[f"n_{name}"] for name in ("predicted_active", "predicted_passive", "trained_active")] == [
        2
    ] * 3
    np.testing.assert_allclose(found.vectors["trained_variance"].values, [3 / 8, 3 / 4, 1, 1], rtol=1e-5)


def test_gradient_steps_come_to_what_is_predicted(data):
    found = measured(data, epochs=60)
    # Steps of 0.01 over batches of 200 rows keep weights moving by some per cent.
    assert found.scalars["max_difference"] < 0.1
    assert found.scalars["mean_error"] < 0.2
    assert found.scalars["n_trained_active"] == 3


def test_a_model_before_training_is_far_from_it(data):
    found = measured(data, epochs=0)
    assert found.scalars["n_trained_active"] == 0
    assert found.scalars["max_difference"] > 0.8
    assert sorted(found.vectors["latent"].values) == [0, 1, 2, 3]


def test_the_best_variance_is_of_the_data_whatever_the_model_has(data):
    found = measured(data, solution="closed_form", decoder_variance=2.0)
    assert found.scalars["gamma"] == pytest.approx(2)
    assert found.scalars["best_gamma"] == pytest.approx((0.5 + 0.1) / 2, rel=1e-5)


def test_it_is_asked_by_name_and_of_no_other_model():
    hub = Hub.open("store")
    settings = {"train.epochs": 1, "model.latent_dim": 3, "model.solution": "closed_form"}
    [found] = hub.run("linear_vae", "linear_vae_theory", network="linear", settings=settings)
    assert found["max_difference"] < 1e-5
    with pytest.raises(VaehubError, match="needs the model 'linear_vae', whose optimum is known"):
        hub.run("vae", "linear_vae_theory", settings={"train.epochs": 1})


def test_the_picture_shows_every_latent_and_one_curve_for_each_eigenvalue(data):
    left, right = metric().plot(measured(data, solution="closed_form")).axes
    assert len(left.collections[0].get_offsets()) == 4
    *curves, _ = right.lines
    assert len(curves) == 4
    for curve in curves:
        assert (np.diff(curve.get_ydata()) >= 0).all()
        assert curve.get_ydata()[-1] == 1


def test_the_split_decides_the_prediction_and_the_bound_decides_what_is_active(rng):
    x = rng.normal(size=(400, 6)) * np.sqrt([8, 4, 2, 0.8, 0.5, 0.1])
    x[300:] *= 0.1
    data = Dataset(x, splits={"train": range(300), "test": range(300, 400)})
    model = LinearVae(
        LinearVaeParams(latent_dim=4, decoder_variance=1.0), Linear(LinearParams(), data.spec, 4, 1), data.spec
    )
    found = {}
    with torch.no_grad():
        model.logvar.copy_(torch.tensor([0.1, 0.4, 0.8, 1.0]).log())
        for params in ({}, {"split": "test"}, {"active_below": 0.5}):
            asked = LinearVaeTheory(LinearVaeTheoryParams(**params))
            found[str(params)] = asked.measure(model.eval(), data).scalars
    plain, test, strict = found.values()
    assert (plain["n_samples"], test["n_samples"]) == (300, 100)
    assert (plain["n_predicted_active"], test["n_predicted_active"]) == (3, 0)
    assert (plain["n_trained_active"], strict["n_trained_active"]) == (3, 2)
