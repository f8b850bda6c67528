"""Reconstructions, draws from the prior and interpolations: arrays mean what they are called."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from qualitative_samples import CLOSE, QUICK, decode, identity, means

from vaehub import Dataset, VaehubError, wrap
from vaehub.hub.refusals import refuse
from vaehub.plugins.qualitative.params import PriorSamplesParams
from vaehub.plugins.qualitative.prior_samples import PriorSamples

# Reconstructions


def test_reconstructions_are_decoded_means_of_the_rows_that_are_named(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("reconstructions", recipe)
    assert_allclose(found["x"], part.x[found["rows"]])
    assert_allclose(found["reconstruction"], decode(model, means(model, found["x"])), **CLOSE)
    error = np.square(found["reconstruction"] - found["x"]).mean(axis=(1, 2, 3))
    assert_allclose(found["squared_error"], error, rtol=1e-5)
    assert found["mean_squared_error"] == pytest.approx(error.mean())
    assert found["labels"].tolist() == part.labels[found["rows"]].tolist() == list(range(10))


def test_the_first_rows_are_taken_if_asked_for(hub, recipe):
    assert hub.measure("reconstructions", recipe, settings={"choice": "first", "n": 3})["rows"].tolist() == [0, 1, 2]


def test_samples_are_reconstructed_besides_and_change_nothing_else(hub, recipe):
    plain, both = (hub.measure("reconstructions", recipe, settings={"n": 100, "sample": each}) for each in (0, 1))
    assert np.array_equal(plain["reconstruction"], both["reconstruction"])
    assert not np.array_equal(both["sampled_reconstruction"], both["reconstruction"])
    error = np.square(both["sampled_reconstruction"] - both["x"]).mean(axis=(1, 2, 3))
    assert_allclose(both["sampled_squared_error"], error, rtol=1e-5)
    assert both["sampled_mean_squared_error"] == pytest.approx(error.mean())
    with pytest.raises(KeyError):
        plain["sampled_reconstruction"]


def test_samples_of_a_deterministic_encoder_are_refused_before_training(hub):
    with pytest.raises(VaehubError, match="needs a model with posterior variances, .* '-s metric.sample=false'"):
        hub.run("ae", "reconstructions", settings={**QUICK, "metric.sample": True})


# Samples of the prior


class Narrow(torch.nn.Module):
    """Values as means, with hardly any variance."""

    def forward(self, x):
        return x, torch.full_like(x, -20)


def test_prior_samples_are_decoded_draws(hub, recipe, model_and_part):
    found = hub.measure("prior_samples", recipe, settings={"n": 500})
    assert found["z"].shape == (500, 4)
    assert_allclose(found["decoded"], decode(model_and_part[0], found["z"]), **CLOSE)
    # Of a standard normal: 1 / sqrt(500) is 0.045.
    assert_allclose(found["z"].mean(axis=0), 0, atol=0.2)
    assert_allclose(found["z"].std(axis=0), 1, atol=0.2)


def test_an_autoencoder_can_be_drawn_from_what_its_codes_are_like(hub):
    recipe = hub.recipe("ae", settings=QUICK)
    model, data = hub.model(recipe)
    codes = model.encode_all(data.split("train")).mu.numpy()
    found = hub.measure("prior_samples", recipe, settings={"n": 4000, "density": "fitted"})["z"]
    deviation = codes.std(axis=0)
    assert_allclose(found.mean(axis=0), codes.mean(axis=0), atol=0.1 * deviation.max())
    assert_allclose(found.std(axis=0), deviation, rtol=0.1)


def test_a_learned_prior_decides_what_is_drawn(hub):
    recipe = hub.recipe("ard", settings=QUICK)
    variance = hub.model(recipe)[0].learned_prior_variance.numpy()
    found = hub.measure("prior_samples", recipe, settings={"n": 4000})["z"]
    assert_allclose(found.var(axis=0), variance, rtol=0.15)


def test_a_model_without_a_prior_is_refused_unless_one_is_fitted(monkeypatch):
    def none(n, generator):
        raise VaehubError("it has none")

    data = Dataset(np.zeros((9, 2)), splits={"train": range(9)})
    model = identity(data)
    monkeypatch.setattr(model, "prior_sample", none)
    with pytest.raises(VaehubError, match="it has none; '-s metric.density=fitted' and '=standard_normal' work"):
        refuse(PriorSamples(PriorSamplesParams()), model, data)
    for density in ("fitted", "standard_normal"):
        refuse(PriorSamples(PriorSamplesParams(density=density)), model, data)


def test_a_standard_normal_that_is_asked_for_is_drawn_from_whatever_the_prior():
    data = Dataset(np.zeros((9, 2)), splits={"train": range(9)})
    with_prior = wrap(encoder=Narrow(), decoder=torch.nn.Identity())
    with_prior.meet(data.batch(slice(0, 2)), data.spec)
    own = PriorSamples(PriorSamplesParams(n=4000)).measure(with_prior, data).arrays["z"]
    metric = PriorSamples(PriorSamplesParams(n=4000, density="standard_normal"))
    result = metric.measure(identity(data), data)
    # The draws are those from a prior that is a standard normal.
    assert np.array_equal(result.arrays["z"], own)
    assert_allclose(own.std(axis=0), 1, atol=0.05)
    assert metric.plot(result)._suptitle.get_text().endswith("draws from the standard normal")


# Interpolation


def test_a_path_ends_at_the_reconstructions_of_its_pair(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("interpolation", recipe, settings={"n_steps": 8})
    assert found["z"].shape == (5, 8, 4)
    for place, end in ((0, 0), (1, -1)):
        x = found["x"][:, place]
        assert_allclose(x, part.x[found["rows"][:, place]])
        assert_allclose(found["decoded"][:, end], decode(model, means(model, x)), **CLOSE)
    assert_allclose(found["decoded"][:, 3], decode(model, found["z"][:, 3]), **CLOSE)
    assert_allclose(found["distance"], np.linalg.norm(found["z"][:, -1] - found["z"][:, 0], axis=1), rtol=1e-5)


def test_pairs_are_of_different_labels(hub, recipe):
    labels = hub.measure("interpolation", recipe, settings={"n_pairs": 30})["labels"]
    assert (labels[:, 0] != labels[:, 1]).all()
