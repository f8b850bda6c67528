"""Models with likelihoods of counts: all of them learn, and what is measured of them is on the right scale."""

import pytest
import torch
from checkpoints import Interrupted, Memory

from vaehub import EVALUATION_BATCH, Hub, LikelihoodParams, TrainParams, VaehubError
from vaehub.core.params import COUNT_LIKELIHOODS
from vaehub.plugins.generation.kernels import frechet_distance
from vaehub.training.ensemble import EnsembleMember, fit_together
from vaehub.training.fit import fit

MODELS = sorted(
    each.entry.name
    for each in Hub.open("unused").catalog.entries("model")
    if issubclass(each.load_params(), LikelihoodParams)
)
SMALL = {
    "model.latent_dim": 3,
    "network.hidden": [16],
    "data.n_samples": 200,
    "data.n_genes": 20,
    "train.epochs": 3,
    "train.learning_rate": 0.01,
}


@pytest.fixture
def recipe_of(hub):
    def make(model="vae", likelihood="negative_binomial", **more):
        settings = {**SMALL, "model.likelihood": likelihood, **more}
        if model == "factor_vae":
            settings["model.discriminator_width"] = 20
        if model == "mask_aae":
            settings["model.critic_hidden"] = [64, 64]
        return hub.recipe(model, dataset="counts", settings=settings)

    return make


def test_no_model_with_a_likelihood_is_left_out():
    assert {"vae", "beta_vae", "ard", "ivae", "geco_l0_arm", "mask_aae", "rae", "wae", "ae"} <= set(MODELS)
    assert "linear_vae" not in MODELS


# Each model with one likelihood in turn, and one model with all of them.
PAIRS = {(model, COUNT_LIKELIHOODS[at % len(COUNT_LIKELIHOODS)]) for at, model in enumerate(MODELS)}


@pytest.mark.parametrize(("model", "likelihood"), sorted(PAIRS | {("vae", each) for each in COUNT_LIKELIHOODS}))
def test_its_reconstruction_falls_and_its_means_have_the_reference_total(hub, recipe_of, model, likelihood):
    recipe = recipe_of(model, likelihood)
    assert hub.train(recipe).status == "done"
    losses = [epoch["train"]["reconstruction"] for epoch in hub.store.epochs(recipe.id)]
    assert losses[-1] < losses[0]
    built, data = hub.model(recipe)
    expected = float(data.split("train").x.sum(1).median())
    assert float(built.likelihood.library_size) == expected
    with torch.no_grad():
        means = built.decode(torch.randn(7, 3, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(means.sum(1), torch.full((7,), expected))
    seen = []
    built.network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    built.encode_all(data)
    assert torch.equal(torch.cat(seen), data.x.log1p())


def test_dispersions_are_learned_stored_and_restored(tmp_path, recipe_of, hub):
    recipe = recipe_of()
    hub.train(recipe)
    theta = hub.model(recipe)[0].likelihood.log_theta
    assert theta.shape == (20,)
    assert len(theta.detach().unique()) == 20
    again, _ = Hub.open(tmp_path / "store", device="cpu").model(recipe)
    assert torch.equal(again.likelihood.log_theta, theta)
    assert float(again.likelihood.library_size) > 1


@pytest.mark.parametrize("model", ["vae", "ard"])
def test_seeds_trained_together_come_to_what_each_comes_to_alone(hub, recipe_of, model):
    params = TrainParams(epochs=3, batch_size=32, learning_rate=0.01)
    recipes = [recipe_of(model, **{"train.together": True}).vary(seed=seed) for seed in (0, 1)]
    jobs = [hub._runner.builder.job(recipe) for recipe in recipes]
    fit_together([EnsembleMember(job.model, job.data, job.recipe.seed) for job in jobs], params)
    for job, recipe in zip(jobs, recipes, strict=True):
        alone = hub._runner.builder.job(recipe)
        fit(alone.model, alone.data, params, seed=recipe.seed)
        assert float(alone.model.likelihood.library_size) == float(job.model.likelihood.library_size)
        theirs = alone.model.state_dict()
        for name, value in job.model.state_dict().items():
            torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-4, msg=name)


def test_a_resumed_training_ends_with_the_same_bits(hub, recipe_of):
    params, recipe = TrainParams(epochs=3, batch_size=32, learning_rate=0.01), recipe_of()
    whole, stopped, resumed = (hub._runner.builder.job(recipe) for _ in range(3))
    fit(whole.model, whole.data, params, seed=0)
    memory = Memory()

    def interrupt(record):
        if record.index == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(stopped.model, stopped.data, params, seed=0, checkpoint=memory, on_epoch=interrupt)
    fit(resumed.model, resumed.data, params, seed=0, checkpoint=memory)
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())
    assert "likelihood.log_theta" in expected


def test_the_elbo_is_complete_at_the_library_size_of_each_observation(hub, recipe_of):
    recipe = recipe_of()
    (found,) = hub.run("vae", "elbo", dataset="counts", settings={**SMALL, "model.likelihood": "negative_binomial"})
    built, data = hub.model(recipe)
    batch = next(data.split("validation").batches(EVALUATION_BATCH))
    with torch.no_grad():
        posterior = built.encode(batch)
        expected = built.likelihood.reconstruction(built.network.decoder(posterior.mu), batch.x).mean()
    # From a draw of z instead of its mean.
    assert found["distortion"] == pytest.approx(float(expected), rel=0.05)
    assert found["elbo"] == pytest.approx(-found["distortion"] - found["kl"])


@pytest.mark.parametrize(
    ("metric", "name", "more"),
    [
        ("reconstructions", "mean_squared_error", {"metric.n": 200, "metric.choice": "first"}),
        ("reconstruction_error", "mse", {"metric.z": "mean"}),
        ("intervention", "recon_mean", {}),
    ],
)
def test_squared_errors_are_of_counts_at_the_reference_library_size(hub, recipe_of, metric, name, more):
    recipe = recipe_of()
    settings = {**SMALL, "model.likelihood": "negative_binomial", "metric.split": "all", **more}
    (found,) = hub.run("vae", metric, dataset="counts", settings=settings)
    built, data = hub.model(recipe)
    with torch.no_grad():
        made = built.decode(built.encode_all(data).mu)
    rescaled = data.x * float(built.likelihood.library_size) / data.x.sum(1, keepdim=True)
    expected = float((made - rescaled).double().square().mean())
    assert found[name] == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(float((made - data.x).double().square().mean()), rel=0.01)


def test_samples_are_compared_with_counts_at_the_reference_library_size(hub, recipe_of):
    recipe = recipe_of()
    more = {"metric.split": "all", "metric.source": "reconstruction", "metric.features": "pixels"}
    settings = {**SMALL, "model.likelihood": "negative_binomial", **more}
    (found,) = hub.run("vae", "frechet_distance", dataset="counts", settings=settings)
    built, data = hub.model(recipe)
    with torch.no_grad():
        made = built.decode(built.encode_all(data).mu)
    rescaled = data.x * float(built.likelihood.library_size) / data.x.sum(1, keepdim=True)
    assert found["frechet_distance"] == pytest.approx(frechet_distance(made, rescaled), rel=1e-4)
    assert found["frechet_distance"] != pytest.approx(frechet_distance(made, data.x), rel=0.01)


@pytest.mark.parametrize("metric", ["interpolation", "traversal"])
def test_observations_are_shown_at_the_reference_library_size(hub, recipe_of, metric):
    recipe = recipe_of()
    (found,) = hub.run("vae", metric, dataset="counts", settings={**SMALL, "model.likelihood": "negative_binomial"})
    total = float(hub.model(recipe)[0].likelihood.library_size)
    x = torch.as_tensor(found["x"])
    torch.testing.assert_close(x.sum(-1), torch.full(x.shape[:-1], total))


def test_images_are_refused_before_any_training(hub):
    with pytest.raises(VaehubError, match=r"'poisson' needs counts.*images in \[0, 1\]"):
        hub.run("vae", "elbo", settings={"model.likelihood": "poisson"})
    assert hub.recent() == ([], [])


def test_a_decoder_of_means_is_not_taken_for_one_of_logits(hub, tmp_path, monkeypatch):
    (tmp_path / "their_counts.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.encoder, self.decoder = nn.Linear(20, 3), nn.Linear(3, 20)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = {**SMALL, "model.likelihood": "poisson", "network.object": "their_counts:Net"}
    del settings["network.hidden"]
    with pytest.raises(VaehubError, match="decoder is said to give means.*'-s network.output=logits'"):
        hub.run("ae", "reconstruction_error", network="own", dataset="counts", settings=settings)
    settings["network.output"] = "logits"
    hub.run("ae", "reconstruction_error", network="own", dataset="counts", settings=settings)
