"""The ARD-VAE: Algorithms 1 and 2, its prior, and its contract."""

import pytest
import torch

from vaehub import Batch, Dataset, Epoch, Step, VaehubError, generator
from vaehub.core.random import seeded_construction
from vaehub.core.recipe import TrainParams
from vaehub.plugins.ard.kernels import kl_to_gaussian
from vaehub.plugins.ard.model import ArdVae
from vaehub.plugins.ard.params import ArdParams
from vaehub.plugins.networks.mlp.network import Mlp
from vaehub.plugins.networks.mlp.params import MlpParams
from vaehub.training.fit import fit


def data(n=60):
    return Dataset(torch.rand(n, 6, generator=generator(1, "x")))


def model(**params):
    params = ArdParams(**({"latent_dim": 3} | params))
    spec = data().spec
    with seeded_construction(0):
        return ArdVae(params, Mlp(MlpParams(hidden=(8,)), spec, params.latent_dim, 2), spec).eval()


def epoch(index=0, n=60):
    return Epoch(index, data(n), generator(0, "epoch", index))


def test_held_back_and_learned_from_are_a_partition():
    vae = model(n_alpha=20)
    rest = vae.epoch_started(epoch())
    assert len(rest.unique()) == len(rest) == 40


def test_each_epoch_holds_other_observations_back():
    vae = model(n_alpha=20)
    assert set(vae.epoch_started(epoch(0)).tolist()) != set(vae.epoch_started(epoch(1)).tolist())


def test_prior_is_the_second_moment_of_codes_of_what_is_held_back():
    vae = model(n_alpha=20)
    now = epoch()
    vae.epoch_started(now)
    again = epoch()
    held = torch.randperm(60, generator=again.generator)[:20]
    z = vae.encode_all(again.data.subset(held)).sample(again.generator)
    torch.testing.assert_close(vae.learned_prior_variance, z.square().mean(0))


def test_small_data_hold_a_share_back_and_say_so():
    vae = model(n_alpha=10_000, alpha_share=0.2)
    assert len(vae.epoch_started(epoch())) == 48
    assert vae.notes() == (
        "the prior was estimated from 12 observations, 20% of the training split, "
        "because 60 are fewer than twice 10000",
    )


def test_large_data_leave_no_note():
    vae = model(n_alpha=20)
    vae.epoch_started(epoch())
    assert vae.notes() == ()


def test_prior_is_kept_between_updates():
    vae = model(n_alpha=20, update_every=2)
    vae.epoch_started(epoch(0))
    before = vae.learned_prior_variance.clone()
    vae.epoch_started(epoch(1))
    assert torch.equal(vae.learned_prior_variance, before)
    vae.epoch_started(epoch(2))
    assert not torch.equal(vae.learned_prior_variance, before)


def test_prior_belongs_to_the_weights_that_are_kept():
    vae = model(n_alpha=1000)
    seen = data(2000)
    fit(vae, seen.with_validation(0, generator(0, "v")), TrainParams(epochs=2, validation=0), seed=0)
    z = vae.encode_all(seen).sample(generator(0, "z"))
    # The prior was estimated from 1,000 of these 2,000 codes: a mean of their squares has a relative standard error of
    # sqrt(2 / 1000) = 0.045.
    torch.testing.assert_close(vae.learned_prior_variance, z.square().mean(0), rtol=5 * 0.045, atol=0)


def test_a_single_observation_cannot_be_split():
    with pytest.raises(VaehubError, match="at least 2 training observations, got 1"):
        model().epoch_started(epoch(n=1))


def test_loss_is_squared_error_plus_beta_times_the_divergence_from_the_learned_prior():
    vae = model(beta=0.25)
    vae.prior_variance.copy_(torch.tensor([0.5, 1.0, 2.0]))
    batch = Batch(data(8).x)
    losses = vae.loss(batch, Step(0, 0, generator(5, "noise")))
    posterior = vae.encode(batch)
    z = posterior.sample(generator(5, "noise"))
    error = (vae.decode(z) - batch.x).square().sum(1).mean()
    kl = kl_to_gaussian(posterior.mu, posterior.logvar, vae.prior_variance).mean()
    torch.testing.assert_close(losses.total, error + 0.25 * kl)
    torch.testing.assert_close(losses.terms["reconstruction"], error)
    torch.testing.assert_close(losses.terms["kl"], kl)


def test_prior_carries_no_gradient():
    vae = model()
    vae.loss(Batch(data(8).x), Step(0, 0, generator(0, "n"))).total.backward()
    assert not vae.prior_variance.requires_grad
    assert vae.prior_variance.grad is None


def test_student_t_prior_nears_the_gaussian_one_when_many_codes_set_it():
    gaussian, student = model(prior="gaussian"), model(prior="student_t")
    batch = Batch(data(60).x)
    for vae in (gaussian, student):
        vae.prior_a.fill_(5000.0)
    step = Step(0, 0, generator(0, "n"))
    sampled = torch.stack([student.loss(batch, step).terms["kl"] for _ in range(200)])
    exact = gaussian.loss(batch, step).terms["kl"]
    assert abs(sampled.mean() - exact) < 4 * sampled.std() / 200**0.5 + 3e-3


def test_prior_samples_have_the_learned_variance():
    vae = model()
    vae.prior_variance.copy_(torch.tensor([0.01, 1.0, 9.0]))
    z = vae.prior_sample(40_000, generator(0, "sample"))
    torch.testing.assert_close(z.var(0), vae.prior_variance, rtol=0.05, atol=0)


def test_prior_is_stored_with_the_weights():
    assert {"prior_variance", "prior_a"} <= set(model().state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["gaussian", "student_t"])
def test_latents_that_carry_nothing_lose_their_relevance(prior):
    # One direction of variation in six values: one latent suffices, and the learned prior lets the others go.
    line = torch.rand(400, 1, generator=generator(3, "line")) * torch.tensor([[1.0, 0.9, 0.8, 0.7, 0.6, 0.5]])
    dataset = Dataset(line).with_validation(0, generator(0, "v"))
    vae = model(beta=0.05, prior=prior, latent_dim=3)
    fit(vae, dataset, TrainParams(epochs=200, batch_size=40, learning_rate=5e-3, validation=0), seed=0)
    mu = vae.encode_all(dataset).mu
    noise = vae.encode_all(dataset).logvar.exp().mean(0)
    informative = mu.var(0) > 5 * noise
    assert int(informative.sum()) == 1
