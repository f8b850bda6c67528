"""The closed form of the linear iVAE, against the bound that it maximises: Bonheme 2023, Section 5.2."""

import math

import pytest
import torch
from scipy.stats import ortho_group
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vaehub import VaehubError
from vaehub.plugins.linear_vae.kernels import ppca_solution
from vaehub.plugins.models.conditioned.conditional_prior import (
    best_prior_variance,
    conditional_elbo,
    conditional_posterior,
    prior_fixed_point,
    shared_axes_solution,
)

GAMMA = 0.5
SHARES = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
# Along five axes, for three values of u: used by all, used by all, by two, by one, by none.
EIGENVALUES = torch.tensor(
    [[6.0, 2.0, 3.0, 0.2, 0.3], [1.0, 4.0, 0.9, 0.4, 0.1], [3.0, 0.8, 0.1, 2.5, 0.2]], dtype=torch.float64
)
AXES = torch.from_numpy(ortho_group.rvs(5, random_state=3))
MOMENTS = AXES @ torch.diag_embed(EIGENVALUES) @ AXES.mT


@pytest.fixture
def bias():
    return torch.tensor([1.0, -2, 0.5, 0, 3], dtype=torch.float64)


@pytest.fixture
def observations(bias):
    """Observations that have the second moments about the bias, and their u: five pairs of opposite ones for each."""
    roots = (5 * EIGENVALUES).sqrt()[:, :, None] * AXES.mT
    x = torch.cat([roots, -roots], dim=1).reshape(-1, 5)
    return bias + x, torch.arange(3).repeat_interleave(10)


def mean_elbo(observations, weights, bias, gamma, *, prior, encoder, offset, variance, prior_mu=None):
    """Return the bound, averaged over observations by the shares of u, for an encoder of each u of its own."""
    x, u = observations
    mu = torch.einsum("nij,nj->ni", encoder[u], x) + offset[u]
    prior_mu = torch.zeros_like(mu) if prior_mu is None else prior_mu[u]
    found = conditional_elbo(
        x, weights, bias, gamma, mu=mu, variance=variance[u], prior_mu=prior_mu, prior_variance=prior[u]
    )
    return (found * SHARES[u] / 10).sum()


def encoder_of(weights, bias, gamma, prior, beta=1.0):
    """Return matrices, constants and variances of the best encoder for each u, read off at the unit vectors."""
    probes = torch.cat([torch.eye(5), torch.zeros(1, 5)]).double()
    found = [
        conditional_posterior(probes, weights, bias, gamma, prior_mu=0 * row[None], prior_variance=row[None], beta=beta)
        for row in prior
    ]
    means = torch.stack([mu for mu, _ in found])
    return (means[:, :5] - means[:, 5:]).mT, means[:, 5], torch.stack([variance[0] for _, variance in found])


# The optimum


def test_the_decoder_and_the_prior_explain_what_exceeds_gamma():
    weights, prior = shared_axes_solution(MOMENTS, SHARES, 5, GAMMA)
    # The covariance of x given u is that of the data where it exceeds gamma, and gamma elsewhere.
    found = weights @ torch.diag_embed(prior) @ weights.mT + GAMMA * torch.eye(5)
    expected = AXES @ torch.diag_embed(EIGENVALUES.clamp(min=GAMMA)) @ AXES.mT
    torch.testing.assert_close(found, expected)
    assert (prior == 0).sum(dim=0).tolist() == [0, 0, 1, 2, 0]
    torch.testing.assert_close(weights[:, 4], torch.zeros(5).double())
    torch.testing.assert_close(SHARES @ prior, torch.ones(5).double())


def test_with_one_u_it_is_the_solution_of_the_linear_vae(bias):
    weights, prior = shared_axes_solution(MOMENTS[:1], torch.ones(1).double(), 3, GAMMA, beta=1.5)
    expected, _, _ = ppca_solution(bias, MOMENTS[0], 3, GAMMA, beta=1.5)
    torch.testing.assert_close(weights @ weights.mT, expected @ expected.mT)
    torch.testing.assert_close(prior, torch.ones(1, 3).double())


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_no_gradient_of_the_bound_is_left_at_the_closed_form(observations, bias, beta):
    # Two latents, which every u uses: the bound is smooth there in all that can be learned.
    weights, prior = shared_axes_solution(MOMENTS, SHARES, 5, GAMMA, beta)
    weights, prior = weights[:, :2], prior[:, :2]
    encoder, offset, variance = encoder_of(weights, bias, GAMMA, prior, beta)
    free = [each.clone().requires_grad_() for each in (weights, bias, encoder, offset, variance, prior)]
    names = ("encoder", "offset", "variance", "prior")
    given = dict(zip(names, free[2:], strict=True))
    gamma = torch.tensor(GAMMA).double()
    full = mean_elbo(observations, free[0], free[1], gamma, **given)
    # beta times the divergence: the bound with gamma scaled has the same optimum in all but gamma.
    (beta * mean_elbo(observations, free[0], free[1], gamma * beta, **given) if beta != 1 else full).backward()
    for each in free:
        torch.testing.assert_close(each.grad, torch.zeros_like(each), atol=1e-10, rtol=0)


@pytest.mark.slow
def test_no_better_model_is_found_by_gradient_steps(observations, bias):
    """From anywhere, with latents that only some u use: the bound of the closed form is reached, and not exceeded."""
    best_weights, best_prior = shared_axes_solution(MOMENTS, SHARES, 4, GAMMA)
    best = log_likelihood(observations, best_weights, bias, best_prior)
    random = torch.Generator().manual_seed(0)
    sizes = {
        "weights": (5, 4),
        "bias": (5,),
        "encoder": (3, 4, 5),
        "offset": (3, 4),
        "variance": (3, 4),
        "prior": (3, 4),
    }
    free = {
        name: (0.3 * torch.randn(size, generator=random, dtype=torch.float64)).requires_grad_()
        for name, size in sizes.items()
    }
    optimiser = torch.optim.LBFGS(free.values(), max_iter=600, history_size=30, line_search_fn="strong_wolfe")

    def bound():
        spread = {name: free[name].exp() for name in ("variance", "prior")}
        return mean_elbo(
            observations,
            free["weights"],
            free["bias"],
            GAMMA,
            encoder=free["encoder"],
            offset=free["offset"],
            **spread,
        )

    def closure():
        optimiser.zero_grad()
        loss = -bound()
        loss.backward()
        return loss

    optimiser.step(closure)
    found = float(bound().detach())
    assert best - 1e-3 < found < best + 1e-9
    explained = free["weights"].detach().square().sum(dim=0) * free["prior"].detach().exp()
    expected = best_weights.square().sum(dim=0) * best_prior
    torch.testing.assert_close(explained.sort(dim=1)[0], expected.sort(dim=1)[0], atol=0.02, rtol=0.01)


def log_likelihood(observations, weights, bias, prior):
    x, u = observations
    covariance = weights @ torch.diag_embed(prior) @ weights.mT + GAMMA * torch.eye(5)
    return float((MultivariateNormal(bias, covariance[u]).log_prob(x) * SHARES[u] / 10).sum())


def test_the_bound_is_the_likelihood_at_the_best_posterior(observations, bias):
    x, u = observations
    weights, prior = shared_axes_solution(MOMENTS, SHARES, 4, GAMMA)
    prior = prior.clamp(min=1e-9)  # of a prior variance of 0, the divergence is a limit
    prior_mu = torch.zeros(1, 4).double()
    mu, variance = conditional_posterior(x, weights, bias, GAMMA, prior_mu=prior_mu, prior_variance=prior[u])
    found = conditional_elbo(
        x, weights, bias, GAMMA, mu=mu, variance=variance, prior_mu=prior_mu, prior_variance=prior[u]
    )
    covariance = weights @ torch.diag_embed(prior) @ weights.mT + GAMMA * torch.eye(5)
    torch.testing.assert_close(found, MultivariateNormal(bias, covariance[u]).log_prob(x))


def test_the_bound_is_what_torch_has_of_its_terms(bias, observations):
    x, _ = observations
    weights = AXES[:, :3] * torch.tensor([2.0, 1, 0.5]) + 0.1
    mu, variance = x[:, :3] / 3, (x[:, 2:] / 5).exp()
    prior_mu, prior_variance = x[:, 1:4] / 4, (x[:, :3] / 6).exp()
    found = conditional_elbo(
        x, weights, bias, GAMMA, mu=mu, variance=variance, prior_mu=prior_mu, prior_variance=prior_variance
    )
    divergence = kl_divergence(Normal(mu, variance.sqrt()), Normal(prior_mu, prior_variance.sqrt())).sum(1)
    density = Normal(mu @ weights.mT + bias, math.sqrt(GAMMA)).log_prob(x).sum(1)
    spread = (variance @ (weights.mT @ weights).diagonal()) / (2 * GAMMA)
    torch.testing.assert_close(found, density - spread - divergence)


def test_the_best_posterior_is_a_maximum_for_any_decoder_and_prior(bias, observations):
    x, _ = observations
    weights = AXES[:, :3] + 0.3  # not orthogonal
    prior_mu, prior_variance = x[:, 1:4] / 4, (x[:, :3] / 6).exp()
    prior = {"prior_mu": prior_mu, "prior_variance": prior_variance}
    mu, variance = conditional_posterior(x, weights, bias, GAMMA, **prior)
    mu, variance = mu.requires_grad_(), variance.clone().requires_grad_()
    conditional_elbo(x, weights, bias, GAMMA, mu=mu, variance=variance, **prior).sum().backward()
    torch.testing.assert_close(mu.grad, torch.zeros_like(mu), atol=1e-9, rtol=0)
    torch.testing.assert_close(variance.grad, torch.zeros_like(variance), atol=1e-9, rtol=0)
    inverse = torch.linalg.inv(weights.mT @ weights / GAMMA + torch.diag_embed(1 / prior_variance))
    assert (mu - prior_mu).abs().max() > 0.1
    expected = inverse @ (weights.mT @ (x - bias).mT / GAMMA + (prior_mu / prior_variance).mT).mT[:, :, None]
    torch.testing.assert_close(mu.detach(), expected[:, :, 0])


@pytest.mark.parametrize("beta", [1.0, 0.3, 1.5])
def test_the_fixed_point_of_orthogonal_columns_is_the_closed_form(beta):
    weights = AXES[:, :4] * torch.tensor([2.0, 1, 0.5, 0.1])
    moments = weights.mT @ MOMENTS @ weights
    found = prior_fixed_point(moments, weights, GAMMA, beta)
    expected = best_prior_variance(moments.diagonal(dim1=1, dim2=2), weights, GAMMA, beta)
    # Steps end at a change of 1e-6, and fall by 0.75 / 0.8 each where a latent hardly pays.
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0)
    assert torch.equal(found == 0, expected == 0)


def test_no_gradient_is_left_at_the_fixed_point_of_any_decoder(observations, bias):
    weights = AXES[:, :3] @ torch.tensor([[2.0, 0.3, 0], [0, 1, 0.2], [0.1, 0, 1]]).double()
    prior = prior_fixed_point(weights.mT @ MOMENTS @ weights, weights, GAMMA)
    assert 0 < (prior == 0).sum() < 3  # a column has no use beside the others, for some u
    encoder, offset, variance = encoder_of(weights, bias, GAMMA, prior.clamp(min=1e-300))
    variance = variance.clamp(min=1e-300)
    free = prior.clamp(min=1e-300).requires_grad_()
    given = {"encoder": encoder, "offset": offset, "variance": variance}
    mean_elbo(observations, weights, bias, GAMMA, prior=free, **given).backward()
    # By the logarithm of the variance, in nats.
    torch.testing.assert_close(free.grad * free.detach(), torch.zeros_like(free), atol=1e-5, rtol=0)


# What the thesis says of it


def test_the_prior_has_the_posterior_variance_and_the_squared_mean(observations, bias):
    """Eq. 5.12, over the observations that share a u."""
    x, u = observations
    weights, prior = shared_axes_solution(MOMENTS, SHARES, 4, GAMMA)
    mu, variance = conditional_posterior(
        x, weights, bias, GAMMA, prior_mu=torch.zeros(1, 4).double(), prior_variance=prior[u]
    )
    squares = torch.zeros(3, 4).double().index_add_(0, u, mu.square()) / 10
    torch.testing.assert_close(prior, variance[::10] + squares)


def test_active_latents_are_precise_and_their_prior_has_the_squared_mean():
    """Proposition 5.2.1, as gamma vanishes."""
    weights = AXES[:, :2] * torch.tensor([2.0, 0.5])
    second_moment = weights.square().sum(0) * EIGENVALUES[:, :2]
    for gamma in (1e-1, 1e-3, 1e-6):
        prior = best_prior_variance(second_moment, weights, gamma)
        variance = gamma * prior / (weights.square().sum(0) * prior + gamma)
        squared_mean = prior - variance
        torch.testing.assert_close(variance / prior, gamma / EIGENVALUES[:, :2])
        assert (squared_mean / prior - 1).abs().max() <= gamma / 0.8 * (1 + 1e-9)
    torch.testing.assert_close(prior, EIGENVALUES[:, :2] / weights.square().sum(0), rtol=1e-4, atol=0)


def test_passive_latents_follow_the_prior(bias, observations):
    """Proposition 5.2.2, whatever the prior's variance of a column of 0."""
    x, _ = observations
    weights = AXES[:, :3] * torch.tensor([1.0, 0, 2])
    prior = {"prior_mu": torch.zeros(1, 3).double(), "prior_variance": torch.tensor([[2.0, 7.0, 0.0]]).double()}
    mu, variance = conditional_posterior(x, weights, bias, GAMMA, **prior)
    assert (mu[:, 1:] == 0).all()
    assert (variance[:, 1:] == prior["prior_variance"][:, 1:]).all()
    along_the_first_axis = mu[:, 0].reshape(3, 2, 5)[..., 0]  # the others differ from the bias along other axes
    assert (along_the_first_axis.abs() > 1).all()


def test_a_latent_that_improves_no_reconstruction_is_passive(observations, bias):
    """Theorem 5.2.2: of two models with the same reconstruction, the one with fewer active latents is better."""
    weights, prior = shared_axes_solution(MOMENTS, SHARES, 3, GAMMA)
    encoder, offset, variance = encoder_of(weights, bias, GAMMA, prior.clamp(min=1e-12))
    # A fourth latent with a column of 0, once with the prior's posterior and once as a copy of the first.
    wide = torch.cat([weights, torch.zeros(5, 1).double()], dim=1)
    wider_prior = torch.cat([prior.clamp(min=1e-12), torch.ones(3, 1).double()], dim=1)
    bounds = []
    for row, spread in ((torch.zeros(3, 1, 5).double(), 1.0), (encoder[:, :1], 0.1)):
        bounds.append(
            mean_elbo(
                observations,
                wide,
                bias,
                GAMMA,
                prior=wider_prior,
                encoder=torch.cat([encoder, row], dim=1),
                offset=torch.cat([offset, -(row @ bias)], dim=1),
                variance=torch.cat([variance, torch.full((3, 1), spread).double()], dim=1),
            )
        )
    passive, active = bounds
    assert active < passive
    assert float(passive) == pytest.approx(log_likelihood(observations, weights, bias, prior), abs=1e-6)


def test_a_learned_prior_mean_for_each_observation_has_no_maximum(observations, bias):
    """Theorem 5.2.1: where prior and posterior are equal, less variance is always better."""
    x, _ = observations
    weights = AXES[:, :2] * torch.tensor([2.0, 0.5])
    mu = (x - bias) @ weights / weights.square().sum(0)  # Eq. 5.10
    bounds = []
    for size in (1.0, 1e-2, 1e-6):
        variance = torch.full_like(mu, size).requires_grad_()
        gaussians = {"mu": mu, "prior_mu": mu, "prior_variance": variance.detach()}
        bound = conditional_elbo(x, weights, bias, GAMMA, variance=variance, **gaussians)
        bound.sum().backward()
        # The two solutions for the variance, Eqs. 5.6 and 5.7, differ by A / gamma.
        torch.testing.assert_close(variance.grad, (-weights.square().sum(0) / (2 * GAMMA)).expand_as(mu))
        bounds.append(bound.detach())
    assert (bounds[0] < bounds[1]).all()
    assert (bounds[1] < bounds[2]).all()
    # No second moment is left about means that are those of each observation: the best variance is 0.
    assert (best_prior_variance(torch.zeros(30, 2).double(), weights, GAMMA) == 0).all()


# What is refused or undefined


def test_a_column_of_zero_has_no_best_prior_variance():
    weights = torch.tensor([[1.0, 0], [0, 0]]).double()
    found = best_prior_variance(torch.tensor([[3.0, 0]]).double(), weights, 1.0)
    assert found[0, 0] == 2
    assert found[0, 1].isnan()


def test_axes_that_differ_are_refused():
    turned = torch.from_numpy(ortho_group.rvs(5, random_state=4))
    moments = torch.stack([MOMENTS[0], turned @ MOMENTS[1] @ turned.mT, MOMENTS[2]])
    with pytest.raises(VaehubError, match="with the same axes for every u, and these differ"):
        shared_axes_solution(moments, SHARES, 3, GAMMA)


def test_axes_are_found_whose_mean_over_u_has_no_order():
    eigenvalues = torch.tensor([[3.0, 1, 0.1], [1, 3, 0.1]]).double()
    moments = AXES[:3, :3].double()
    moments = torch.linalg.qr(moments)[0]
    moments = moments @ torch.diag_embed(eigenvalues) @ moments.mT
    weights, prior = shared_axes_solution(moments, torch.tensor([0.5, 0.5]).double(), 2, GAMMA)
    found = weights @ torch.diag_embed(prior) @ weights.mT
    torch.testing.assert_close(torch.linalg.eigvalsh(found)[:, 1:], torch.tensor([[0.5, 2.5]] * 2).double())
