"""A trained linear iVAE beside the optimum of its decoder."""

import numpy as np
import pytest
import torch

from vaehub import Dataset, Hub, TrainParams, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.hub.refusals import refuse
from vaehub.plugins.models.conditioned.ivae import Ivae
from vaehub.plugins.models.conditioned.linear_ivae_theory import LinearIvaeTheory
from vaehub.plugins.models.conditioned.params import IvaeParams, LinearIvaeTheoryParams
from vaehub.plugins.networks.convolutions.linear import Linear
from vaehub.plugins.networks.convolutions.params import LinearParams
from vaehub.training.fit import fit

GAMMA = 0.05
VARIANCES = np.array([[9.0, 2.0, 0.02, 0.01], [1.0, 4.0, 0.02, 0.01]])
"""Along four axes, for two labels: two latents pay, and a third does not."""


@pytest.fixture
def data(rng):
    """Observations with exactly these variances for each label, and a mean of 0."""
    x = rng.normal(size=(2, 200, 4))
    x -= x.mean(axis=1, keepdims=True)
    x = np.stack([each @ np.linalg.inv(np.linalg.cholesky(np.cov(each.T, bias=True))).T for each in x])
    return Dataset(np.concatenate(x * np.sqrt(VARIANCES)[:, None]), labels=np.repeat([0, 1], 200)).with_validation(
        0, generator(0)
    )


def build(data, **params):
    params = {"latent_dim": 3, "likelihood": "gaussian", "decoder_variance": GAMMA, "hidden": 8, **params}
    with seeded_construction(0):
        return Ivae(IvaeParams(**params), Linear(LinearParams(), data.spec, params["latent_dim"], 2), data.spec)


def measured(model, data, **params):
    metric = LinearIvaeTheory(LinearIvaeTheoryParams(**params), name="linear_ivae_theory")
    refuse(metric, model, data)
    with torch.no_grad():
        return metric.measure(model.eval(), data)


def set_decoder(model, lengths):
    layer = next(each for each in model.network.decoder.modules() if isinstance(each, torch.nn.Linear))
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.tensor(lengths))[:, : model.latent_dim])
        layer.bias.zero_()


def test_predictions_are_those_of_the_decoder(data):
    model = build(data)
    set_decoder(model, [2.0, 1.0, 0.5, 0.0])
    found = measured(model, data)
    explained = (VARIANCES[:, :3] - GAMMA).clip(min=0)
    prior = explained / np.array([4, 1, 0.25])
    np.testing.assert_allclose(found.vectors["predicted_prior_variance"].values, prior.mean(0), rtol=1e-5)
    expected = (prior * GAMMA / (explained + GAMMA)).mean(0)
    np.testing.assert_allclose(found.vectors["predicted_variance"].values, expected, rtol=1e-5)
    assert found.vectors["predicted_type"].labels == ("active", "active", "passive")
    assert found.vectors["share_used"].values.tolist() == [1, 1, 0]
    assert found.scalars["n_u"] == 2
    assert found.scalars["max_cosine"] == 0
    assert [found.scalars[f"n_predicted_{name}"] for name in ("active", "mixed", "passive")] == [2, 0, 1]


def test_a_latent_that_pays_for_one_label_only_is_mixed(data):
    x = data.x.clone()
    x[data.labels == 1, 0] *= 0.01
    model = build(data)
    set_decoder(model, [2.0, 1.0, 0.5, 0.0])
    found = measured(model, Dataset(x, labels=data.labels))
    assert found.vectors["predicted_type"].labels == ("mixed", "active", "passive")
    assert found.vectors["share_used"].values.tolist() == [0.5, 1, 0]


def test_a_learned_prior_mean_takes_what_labels_explain(data):
    x = data.x.clone()
    x[data.labels == 1, 2] += 10
    for prior_mean, expected in (("fixed", 50 + 0.02 - GAMMA), ("learned", 0.0)):
        model = build(data, prior_mean=prior_mean)
        set_decoder(model, [1.0, 1.0, 1.0, 0.0])
        found = measured(model, Dataset(x, labels=data.labels))
        # One label has a second moment of 100.02 about 0, and the other of 0.02, which pays for nothing.
        expected = (100 + 0.02 - GAMMA) / 2 if prior_mean == "fixed" else 0.0
        assert found.vectors["predicted_prior_variance"].values[2] == pytest.approx(expected, rel=1e-5)


def test_a_column_of_zero_is_passive_and_has_no_predicted_variance(data):
    model = build(data)
    set_decoder(model, [2.0, 0.0, 0.5, 0.0])
    found = measured(model, data)
    assert found.vectors["predicted_type"].labels[1] == "passive"
    assert np.isnan(found.vectors["predicted_prior_variance"].values[1])


@pytest.mark.slow
def test_a_short_training_comes_to_it(data):
    model = build(data)
    before = measured(model, data)
    for epochs, learning_rate in ((150, 0.02), (50, 0.003)):
        fit(model, data, TrainParams(epochs=epochs, batch_size=200, learning_rate=learning_rate), seed=0)
    found = measured(model, data)
    vectors = {name: vector.values for name, vector in found.vectors.items()}
    used = vectors["share_used"] == 1
    assert used.sum() == 2
    for name in ("prior_variance", "variance"):
        trained, predicted = vectors[f"trained_{name}"][used], vectors[f"predicted_{name}"][used]
        np.testing.assert_allclose(trained, predicted, rtol=0.15)
    # Proposition 5.2.1: the prior of an active latent has the squared mean, and the posterior hardly any variance.
    np.testing.assert_allclose(vectors["trained_prior_variance"][used], vectors["squared_mean"][used], rtol=0.15)
    assert found.scalars["mean_error"] < 0.25 < before.scalars["mean_error"]
    assert found.scalars["n_trained_active"] == found.scalars["n_predicted_active"] == 2
    # The scale of a latent that does not pay is free, so that its variances come to those of the prior last.
    assert found.scalars["n_predicted_passive"] == 1


def test_the_picture_shows_every_latent_in_both_panels(data):
    model = build(data)
    set_decoder(model, [2.0, 1.0, 0.5, 0.0])
    metric = LinearIvaeTheory(LinearIvaeTheoryParams())
    figure = metric.plot(measured(model, data))
    assert [len(axes.collections[0].get_offsets()) for axes in figure.axes] == [3, 3]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"likelihood": "squared_error"}, "needs a Gaussian with a linear mean"),
        ({"prior_variance": "fixed"}, "predicts the variance of the prior, and that of this model is 1"),
        ({"beta": 0}, "needs a beta above 0"),
    ],
)
def test_models_without_such_an_optimum_are_refused(data, params, message):
    with pytest.raises(VaehubError, match=message):
        measured(build(data, **params), data)


def test_data_in_the_unit_interval_and_other_models_are_refused():
    hub = Hub.open("store")
    settings = {"train.epochs": 1, "model.likelihood": "gaussian"}
    with pytest.raises(VaehubError, match="needs a Gaussian with a linear mean"):
        hub.run("ivae", "linear_ivae_theory", network="linear", settings=settings)
    with pytest.raises(VaehubError, match="needs the model 'ivae', and this is another"):
        hub.run("vae", "linear_ivae_theory", settings={"train.epochs": 1})


def test_networks_with_hidden_layers_are_refused_by_the_name_of_the_metric(data):
    from vaehub.plugins.networks.mlp.network import Mlp
    from vaehub.plugins.networks.mlp.params import MlpParams

    params = IvaeParams(latent_dim=3, likelihood="gaussian", hidden=8)
    model = Ivae(params, Mlp(MlpParams(hidden=(8,)), data.spec, 3, 2), data.spec)
    with pytest.raises(VaehubError, match="metric 'linear_ivae_theory' needs a linear decoder"):
        measured(model, data)
