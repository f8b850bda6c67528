"""Scatter plots of latents, and traversals: arrays mean what they are called."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from qualitative_samples import CLOSE, QUICK, decode, identity, means
from torch import nn

from vaehub import Dataset, Factors, VaehubError, wrap
from vaehub.plugins.ard.kernels import n_relevant
from vaehub.plugins.qualitative.latent_scatter import LatentScatter


class Silent(nn.Module):
    def forward(self, z):
        return 0 * z


# Scatter


def test_means_of_two_latents_are_shown_as_they_are(hub):
    recipe = hub.recipe("vae", settings={**QUICK, "model.latent_dim": 2})
    model, data = hub.model(recipe)
    found = hub.measure("latent_scatter", recipe)
    assert_allclose(found["coordinates"], model.encode_all(data.split("train")).mu.numpy(), **CLOSE)
    assert found["labels"].tolist() == data.split("train").labels.tolist()


def test_means_of_more_latents_are_projected_and_all_components_explained(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("latent_scatter", recipe, settings={"n_samples": 300})
    mu = model.encode_all(part).mu.numpy()[found["rows"]].astype(float)
    s = np.linalg.svd(mu - mu.mean(axis=0), compute_uv=False)
    assert found.result.vectors["explained_variance_ratio"].index == "component"
    assert_allclose(found["explained_variance_ratio"], s**2 / (s**2).sum(), rtol=1e-4)
    assert_allclose(found["coordinates"], (mu - mu.mean(axis=0)) @ found["components"].T, atol=1e-5)
    assert len(set(found["rows"])) == 300


def test_one_latent_is_shown_as_a_histogram_of_all_observations(hub):
    found = hub.run("vae", "latent_scatter", settings={**QUICK, "model.latent_dim": 1})[0]
    assert found["coordinates"].shape == (1617, 1)
    assert found["explained_variance_ratio"].tolist() == [1]
    assert sum(patch.get_height() for patch in _tops(hub.figure(found.id).axes[0])) == 1617


def _tops(axes):
    """The bars, which are stacked: each stands on the one before and is as high as its own class."""
    return [patch for container in axes.containers for patch in container.patches]


def test_a_factor_may_decide_the_colour(hub):
    settings = {"data.subset": 60, "data.size": 16, "train.epochs": 0, "metric.factor": "shape"}
    found = hub.run("vae", "latent_scatter", dataset="sprites", settings=settings)[0]
    assert set(found["labels"]) == {0, 1, 2}
    assert hub.figure(found.id).axes[0].get_legend().get_title().get_text() == "shape"


def test_a_factor_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="asked for factor 'shape', which these data do not have; they have none"):
        hub.measure("latent_scatter", recipe, settings={"factor": "shape"})


@pytest.mark.parametrize("n_latents", [3, 1])
def test_classes_are_called_by_their_names(rng, n_latents):
    names = ("ant", "bee", "cat")
    factors = Factors(("kind",), (2,), torch.arange(60)[:, None] % 2, class_names=(("old", "new"),))
    data = Dataset(
        rng.normal(size=(60, n_latents)),
        labels=np.arange(60) % 3,
        factors=factors,
        class_names=names,
        splits={"train": range(60)},
    )
    for params, title, expected in (({}, "label", names), ({"factor": "kind"}, "kind", ("old", "new"))):
        metric = LatentScatter(LatentScatter.Params(**params))
        result = metric.measure(identity(data), data)
        legend = metric.plot(result).axes[0].get_legend()
        assert legend.get_title().get_text() == title
        assert tuple(text.get_text() for text in legend.get_texts()) == expected
        assert result.vectors["class_size"].labels == expected
        assert result.vectors["class_size"].values.tolist() == [60 / len(expected)] * len(expected)


def test_many_classes_have_a_scale_instead_of_a_legend(rng):
    data = Dataset(rng.normal(size=(90, 3)), labels=np.arange(90) % 30, splits={"train": range(90)})
    metric = LatentScatter(LatentScatter.Params())
    figure = metric.plot(metric.measure(identity(data), data))
    assert figure.axes[0].get_legend() is None
    assert figure.axes[1].get_ylabel() == "label"


# Traversal


def test_a_traversal_decodes_the_example_s_mean_with_one_latent_set(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("traversal", recipe, settings={"example": 7, "order": "index"})
    mu = means(model, part.x[7:8])[0]
    assert_allclose(found["mu"], mu, **CLOSE)
    assert_allclose(found["reconstruction"], decode(model, mu[None])[0], **CLOSE)
    assert_allclose(found["values"], np.tile(np.linspace(-2, 2, 10), (4, 1)), atol=1e-12)
    for latent in range(4):
        z = np.tile(mu, (10, 1))
        z[:, latent] = found["values"][latent]
        assert_allclose(found["decoded"][latent], decode(model, z), **CLOSE)


def test_relevant_latents_alone_come_by_their_relevance_with_the_paper_s_range(hub):
    recipe = hub.recipe("ard", settings={**QUICK, "train.epochs": 4})
    asked = {"order": "relevance", "n_latents": "relevant", "span": "prior"}
    found = hub.measure("traversal", recipe, settings=asked)
    model, _ = hub.model(recipe)
    relevance = found["relevance"]
    latents = found["latents"].tolist()
    assert latents == (-relevance).argsort()[: n_relevant(relevance)].tolist()
    deviation = model.learned_prior_variance.sqrt().numpy()[latents]
    assert_allclose(found["values"], np.linspace(-3, 3, 10) * deviation[:, None], rtol=1e-5)
    by_index = hub.measure("traversal", recipe, settings={**asked, "order": "index"})
    assert by_index["latents"].tolist() == sorted(latents)
    assert hub.measure("traversal", recipe, settings={**asked, "n_latents": 2})["latents"].tolist() == latents[:2]
    # The metric of the same name has it from the same formula, with observations of its own.
    assert_allclose(relevance, hub.measure("relevance", recipe)["relevance"], rtol=0.3)


def test_a_decoder_that_ignores_its_latents_has_no_relevant_ones_to_traverse(hub, model_and_part):
    _, part = model_and_part
    constant = wrap(
        encoder=nn.Sequential(nn.Flatten(), nn.Linear(64, 2)),
        decoder=nn.Sequential(Silent(), nn.Linear(2, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))),
    )
    with pytest.raises(VaehubError, match="no latent has any relevance, so there is none to traverse"):
        hub.measure("traversal", constant, data=Dataset(part.x), settings={"n_latents": "relevant", "split": "all"})


def test_the_most_used_latents_come_first(hub, recipe):
    every, two = (hub.measure("traversal", recipe, settings={"n_latents": n}) for n in ("all", 2))
    assert every["latents"].tolist() == np.argsort(-every["mu_variance"]).tolist()
    assert two["latents"].tolist() == every["latents"][:2].tolist()
    assert_allclose(two["decoded"], every["decoded"][:2], **CLOSE)


def test_the_variance_of_means_is_theirs(hub, recipe, model_and_part):
    model, part = model_and_part
    found = hub.measure("traversal", recipe, settings={"n_samples": len(part)})
    assert_allclose(found["mu_variance"], means(model, part.x).var(axis=0), rtol=1e-4)


def test_a_range_may_be_that_of_the_learned_prior(hub):
    recipe = hub.recipe("ard", settings=QUICK)
    sigma = hub.model(recipe)[0].learned_prior_variance.sqrt().numpy()
    found = hub.measure("traversal", recipe, settings={"span": "prior", "n_steps": 3})
    expected = sigma[found["latents"], None] * np.array([-3, 0, 3])
    assert_allclose(found["values"], expected, rtol=1e-6)


def test_a_range_may_be_that_of_the_means(hub, recipe, model_and_part):
    model, part = model_and_part
    settings = {"span": "means", "n_samples": len(part), "order": "index", "n_steps": 3}
    mu = means(model, part.x)
    expected = mu.mean(axis=0)[:, None] + mu.std(axis=0)[:, None] * np.array([-3, 0, 3])
    assert_allclose(hub.measure("traversal", recipe, settings=settings)["values"], expected, rtol=1e-4, atol=1e-5)


def test_a_learned_prior_that_is_not_there_is_refused(hub, recipe):
    with pytest.raises(VaehubError, match="needs a model with a learned prior, .* '-s metric.span=means' works"):
        hub.measure("traversal", recipe, settings={"span": "prior"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"n_latents": 5}, "asked for 5 latents, and the model has 4"), ({"example": 1617}, "'-s metric.example=1616'")],
)
def test_a_latent_or_a_row_that_is_not_there_is_refused(hub, recipe, settings, message):
    with pytest.raises(VaehubError, match=message):
        hub.measure("traversal", recipe, settings=settings)
