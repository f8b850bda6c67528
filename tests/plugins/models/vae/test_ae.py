"""The autoencoder, which has no prior."""

import pytest

from vaehub import VaehubError

QUICK = {"model.latent_dim": 2, "train.epochs": 0}
DRAWING = {
    "prior_samples": ({}, "'-s metric.density=fitted' and '=standard_normal' work for all"),
    "frechet_distance": ({}, "'-s metric.source=reconstruction' and '=standard_normal' need none"),
    "kernel_distance": ({}, "'-s metric.source=reconstruction' and '=standard_normal' need none"),
    "precision_recall": ({}, "'-s metric.source=reconstruction' and '=standard_normal' need none"),
    "structure_score": ({}, "'vae' has one"),
    "latent_response_matrix": ({"metric.source": "prior"}, "'-s metric.source=posterior' needs none"),
    "response_field": ({"metric.source": "prior"}, "'-s metric.source=posterior' needs none"),
}


@pytest.mark.parametrize("metric", DRAWING)
def test_what_draws_from_a_prior_refuses_it_before_training(hub, metric):
    more, remedy = DRAWING[metric]
    message = f"metric '{metric}' draws from the prior: model 'ae' has no prior to draw from; {remedy}"
    with pytest.raises(VaehubError, match=message):
        hub.run("ae", metric, settings=QUICK | more)
    assert not hub.store.exists


def test_samples_from_a_standard_normal_are_compared_when_that_is_asked_for(hub):
    asked = {**QUICK, "metric.source": "standard_normal", "metric.n_samples": 200}
    found = hub.run("ae", "kernel_distance", settings={**asked, "metric.subset_size": 100})[0]
    assert found["n_samples"] == 200
    # Whatever the prior is, the draws are those of a standard normal, here the prior itself.
    vae = [
        hub.run("vae", "frechet_distance", settings={**asked, "metric.source": source})[0]["frechet_distance"]
        for source in ("standard_normal", "prior")
    ]
    assert vae[0] == vae[1]
