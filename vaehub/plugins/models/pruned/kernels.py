"""Mathematics of gates and masks."""

from collections.abc import Callable

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

MULTIPLIER_RANGE = (1e-4, 1e4)
"""Bounds of the multiplier, without unit; ours, so that a bound that cannot be met does not end in infinity."""

FASTEST_CHANGE = 0.005
"""Largest change of the multiplier's logarithm in one step; ours. An untrained decoder is hundreds of nats off, and
without this the multiplier would rise in its first steps to where it takes many epochs to come down from."""

MASKED_DECAY = 10.0
"""How sharply the penalty on the spread of latents falls with their mask: Mondal et al. 2021."""

LARGEST_POLARISATION_WEIGHT = 2048.0
"""Where the weight that drives the mask to 0 and 1 stops doubling: Mondal et al. 2021."""


@accepts_arrays
def gates_of(u: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return two draws of binary gates from one uniform draw, correlated so that their difference tells the gradient.

    Yin & Zhou 2019, Theorem 1, as De Boom et al. 2020 use it: ``1[u > sigmoid(-logit)]`` and ``1[u < sigmoid(logit)]``.

    Args:
        u: Uniform draws in [0, 1), shape ``(latent_dim,)``.
        logits: Logarithm of the odds that a gate is open, same shape.

    Returns:
        Two draws of 0 and 1, each open with probability ``sigmoid(logit)``, shape ``(latent_dim,)``.
    """
    return (u > (-logits).sigmoid()).to(u.dtype), (u < logits.sigmoid()).to(u.dtype)


@accepts_arrays
def arm_gradient(f1: Tensor, f2: Tensor, u: Tensor) -> Tensor:
    """Return an unbiased estimate of the gradient of an expectation over gates, with respect to their logits.

    Yin & Zhou 2019, Theorem 1 (augment, reinforce, merge).

    Args:
        f1: What the first draw of :func:`gates_of` costs, scalar.
        f2: What the second costs, scalar.
        u: The uniform draws of both, shape ``(latent_dim,)``.

    Returns:
        Estimate in the unit of the costs, shape ``(latent_dim,)``; zero where both draws cost the same.
    """
    return (f1 - f2) * (u - 0.5)


@accepts_arrays
def kl_per_latent(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the mean divergence of each latent from a standard normal prior.

    Kingma & Welling 2014, Appendix B; averaged over observations, not summed over latents.

    Args:
        mu: Posterior means, shape ``(n, latent_dim)``.
        logvar: Natural logarithm of the posterior variances, same shape.

    Returns:
        Divergence in nats, shape ``(latent_dim,)``; zero where the posterior equals the prior.
    """
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).mean(dim=0)


@accepts_arrays
def next_multiplier(multiplier: Tensor, violation: Tensor, speed: float) -> Tensor:
    """Return the multiplier of a constraint after a step.

    Rezende & Viola 2018, Algorithm 1: it is multiplied by ``exp(speed * violation)``. The exponent is held within
    ``FASTEST_CHANGE`` and the result within ``MULTIPLIER_RANGE``, which the paper does not do.

    Args:
        multiplier: The one before, positive, scalar.
        violation: How far the constrained value is above its bound, a moving average, scalar.
        speed: Growth of its logarithm for each unit of violation.

    Returns:
        The next one, without unit, scalar.
    """
    change = (speed * violation).clamp(-FASTEST_CHANGE, FASTEST_CHANGE)
    return (multiplier * change.exp()).clamp(*MULTIPLIER_RANGE)


@accepts_arrays
def mask_of(m: Tensor) -> Tensor:
    """Return the mask ``1 - exp(-m)`` of its weights.

    Mondal et al. 2021.

    Args:
        m: Weights, at least 0, shape ``(latent_dim,)``.

    Returns:
        Mask in [0, 1), without unit, same shape; 0 for a weight of 0.
    """
    return -torch.expm1(-m)


@accepts_arrays
def polarisation(a: Tensor) -> Tensor:
    """Return how far a mask is from being binary: the sum of ``|a (1 - a)|``.

    Mondal et al. 2021.

    Args:
        a: Mask, shape ``(latent_dim,)``.

    Returns:
        Sum without unit, scalar; zero for a mask of 0 and 1 only.
    """
    return (a * (1 - a)).abs().sum()


def polarisation_weight(step: int, latent_dim: int, doubling_steps: int) -> float:
    """Return the weight of the polarisation of a mask.

    Mondal et al. 2021: it doubles from ``2 / latent_dim`` until it reaches 2048. How often is not said there, so that
    the interval is ours.

    Args:
        step: Steps taken so far.
        latent_dim: Number of latents.
        doubling_steps: Steps between two doublings.
    """
    # Beyond a thousand doublings a float overflows, and long before the limit is reached.
    doublings = min(step // doubling_steps, 1000)
    return min(LARGEST_POLARISATION_WEIGHT, 2.0**doublings * 2 / latent_dim)


@accepts_arrays
def masked_spread(z: Tensor, a: Tensor) -> Tensor:
    """Return the spread of codes around the batch's mean, counted where the mask is small.

    Mondal et al. 2021: the mean over observations and latents of ``(z - mean)^2 exp(-10 a^2)``.

    Args:
        z: Codes before the mask, shape ``(n, latent_dim)``.
        a: Mask, shape ``(latent_dim,)``.

    Returns:
        Spread in the unit of squared codes, scalar; zero for a single observation.
    """
    return ((z - z.mean(dim=0)).square() * (-MASKED_DECAY * a.square()).exp()).mean()


@accepts_arrays
def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Return how far the gradients of a critic are from norm 1, between two samples.

    Gulrajani et al. 2017, Eq. 3, at one uniformly drawn point between each pair.

    Args:
        critic: Gives a score for each row, shape ``(n, d)`` to ``(n, 1)``.
        real: First sample, shape ``(n, d)``.
        fake: Second sample, same shape.
        generator: Draws the points.

    Returns:
        Mean squared distance of the norms from 1, scalar without unit; it can be differentiated once more.
    """
    share = torch.rand(len(real), 1, generator=generator, device=real.device, dtype=real.dtype)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return (norms - 1).square().mean()
