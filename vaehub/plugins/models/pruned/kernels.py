"""Mathematics of gates and masks."""

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

MULTIPLIER_RANGE = (1e-4, 1e4)
"""Range of the multiplier, without unit; ours, so that it stays finite if the constraint cannot be met."""

FASTEST_CHANGE = 0.005
"""Largest change of the multiplier's logarithm in one step; ours. An untrained decoder is hundreds of nats off, and
without this limit the multiplier would rise so far in the first steps that it takes many epochs to come down."""

LARGEST_SOFTPLUS_MULTIPLIER = 20.0
"""Largest multiplier that is the square of a softplus, as in the library of De Boom's group."""

NEAR = 0.1
"""Share of the bound within which the multiplier moves the more slowly the nearer the violation is to 0; ours."""

MASKED_DECAY = 10.0
"""Decay of the penalty on the spread of latents with their squared mask: Mondal et al. 2020."""

LARGEST_POLARISATION_WEIGHT = 2048.0
"""Value at which the weight that drives the mask towards 0 and 1 stops doubling: Mondal et al. 2020."""

MOST_STEPS = 10**18
"""More steps than any training has."""

SETTLED = 4000
"""Steps after which RMSprop's average of a constant square is that square to the last bit of a double."""

RATES_MOVED = list(accumulate((1 / math.sqrt(1 - 0.99**t) for t in range(1, SETTLED + 1)), initial=0.0))
"""Sums of RMSprop's steps for a constant gradient, by their number, as multiples of its learning rate."""


@accepts_arrays
def gates_of(u: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return two draws of binary gates from one uniform draw, correlated as the ARM gradient estimator requires.

    Yin & Zhou 2019, Theorem 1, as De Boom et al. 2020 use it: ``1[u > sigmoid(-logit)]`` and ``1[u < sigmoid(logit)]``.

    Args:
        u: Uniform draws in [0, 1), shape ``(..., latent_dim)``.
        logits: Logarithm of the odds that a gate is open, shape ``(latent_dim,)``.

    Returns:
        Two draws of 0 and 1, each open with probability ``sigmoid(logit)``, shape ``(..., latent_dim)``.
    """
    return (u > (-logits).sigmoid()).to(u.dtype), (u < logits.sigmoid()).to(u.dtype)


@accepts_arrays
def arm_gradient(f1: Tensor, f2: Tensor, u: Tensor) -> Tensor:
    """Return an unbiased estimate of the gradient of an expectation over gates, with respect to their logits.

    Yin & Zhou 2019, Theorem 1 (augment, reinforce, merge).

    Args:
        f1: Cost of the first draw of :func:`gates_of`, scalar, or of several first draws, shape ``(n, 1)``.
        f2: Cost of the second draw, same shape.
        u: The uniform draws of both, shape ``(latent_dim,)``, or ``(n, latent_dim)``.

    Returns:
        Estimate of each draw in the unit of the costs, in the shape of ``u``; zero if both costs are equal.
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

    Rezende & Viola 2018, Algorithm 1: it is multiplied by ``exp(speed * violation)``. The exponent is clipped to
    ``FASTEST_CHANGE`` and the result to ``MULTIPLIER_RANGE``, which the paper does not do.

    Args:
        multiplier: Multiplier before the step, positive, scalar.
        violation: Moving average of the constrained value minus its bound, scalar.
        speed: Growth of the multiplier's logarithm per unit of violation.

    Returns:
        Multiplier after the step, without unit, scalar.
    """
    change = (speed * violation).clamp(-FASTEST_CHANGE, FASTEST_CHANGE)
    return (multiplier * change.exp()).clamp(*MULTIPLIER_RANGE)


@accepts_arrays
def relative_violation(violation: Tensor, tau: float) -> Tensor:
    """Return the violation of a bound in units of a tenth of the bound, cut to [-1, 1]; ours.

    Args:
        violation: Constrained value minus its bound.
        tau: The bound.

    Returns:
        In the shape of the violation, without unit; for a bound of 0 its sign.
    """
    if tau == 0:
        return violation.sign()
    return (violation / (NEAR * abs(tau))).clamp(-1, 1)


@accepts_arrays
def softplus_multiplier(weight: Tensor) -> Tensor:
    """Return the multiplier of a constraint from its weight: the square of its softplus.

    As in the library of De Boom's group; positive, whatever the weight.
    """
    return torch.nn.functional.softplus(weight).square()


@accepts_arrays
def softplus_weight(multiplier: Tensor) -> Tensor:
    """Return the weight of a multiplier, the inverse of :func:`softplus_multiplier`; the multiplier is above 0."""
    return multiplier.sqrt().expm1().log()


@accepts_arrays
def mask_of(m: Tensor) -> Tensor:
    """Return the mask ``1 - exp(-m)`` from its weights.

    Mondal et al. 2020.

    Args:
        m: Weights, at least 0, shape ``(latent_dim,)``.

    Returns:
        Mask in [0, 1), without unit, same shape; 0 for a weight of 0.
    """
    return -torch.expm1(-m)


@accepts_arrays
def polarisation(a: Tensor) -> Tensor:
    """Return the deviation of a mask from a binary one: the sum of ``|a (1 - a)|``.

    Mondal et al. 2020.

    Args:
        a: Mask, shape ``(latent_dim,)``.

    Returns:
        Sum without unit, scalar; zero for a mask of 0 and 1 only.
    """
    return (a * (1 - a)).abs().sum()


def polarisation_weight(step: int, latent_dim: int, doubling_steps: int) -> float:
    """Return the weight of the polarisation of a mask.

    Mondal et al. 2020: it doubles from ``2 / latent_dim`` until it reaches 2048.

    Args:
        step: Steps taken so far.
        latent_dim: Number of latents.
        doubling_steps: Steps between two doublings.
    """
    # A float overflows beyond a thousand doublings, long after the limit is reached.
    doublings = min(step // doubling_steps, 1000)
    return min(LARGEST_POLARISATION_WEIGHT, 2.0**doublings * 2 / latent_dim)


def doubling_interval(latent_dim: int) -> int:
    """Return the steps between two doublings of :func:`polarisation_weight`.

    Mondal et al. 2020, released code; the paper does not state it.

    Args:
        latent_dim: Number of latents.
    """
    return 300 if latent_dim <= 20 else 4 * min(10_000, math.floor(112.5 * latent_dim))


def steps_to_move(distance: float, rate: float, slow_after: int, slow_factor: float) -> int:
    """Return the steps in which RMSprop moves a weight a distance, if its gradient always keeps its size.

    Its average of squared gradients begins at 0 and keeps 0.99 a step (PyTorch's default), so that step ``t`` is
    ``rate / sqrt(1 - 0.99^t)``: ten times the learning rate at first, and the rate itself after some hundred.

    Args:
        distance: How far it has to move, in its own unit.
        rate: Learning rate of the first steps, in that unit per step.
        slow_after: Steps after which the rate is divided.
        slow_factor: What it is divided by.

    Returns:
        Smallest number of steps that reach the distance.
    """

    def moved(n_steps: int) -> float:
        fast = _rates_moved(min(n_steps, slow_after))
        return rate * (fast + (_rates_moved(n_steps) - fast) / slow_factor)

    return bisect_left(range(MOST_STEPS), distance, key=moved)


def _rates_moved(n_steps: int) -> float:
    """Return how many learning rates RMSprop moves a weight in so many steps."""
    return RATES_MOVED[min(n_steps, SETTLED)] + max(n_steps - SETTLED, 0)


@accepts_arrays
def masked_spread(z: Tensor, a: Tensor) -> Tensor:
    """Return the spread of codes around the batch's mean, weighted towards latents with a small mask.

    Mondal et al. 2020: the mean over observations and latents of ``(z - mean)^2 exp(-10 a^2)``.

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
    """Return the gradient penalty of a critic: squared deviation of its gradient norms from 1, between two samples.

    Gulrajani et al. 2017, Eq. 3, at one uniformly drawn point between each pair.

    Args:
        critic: Scores each row, shape ``(n, d)`` to ``(n, 1)``.
        real: First sample, shape ``(n, d)``.
        fake: Second sample, same shape.
        generator: Draws the points.

    Returns:
        Mean squared deviation of the norms from 1, scalar without unit, differentiable.
    """
    share = torch.rand(len(real), 1, generator=generator, device=real.device, dtype=real.dtype)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return (norms - 1).square().mean()
