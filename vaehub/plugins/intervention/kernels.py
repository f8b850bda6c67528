"""Errors of decoded samples, what each latent contributes to them, and in which order latents are best set."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays, in_double

Decode = Callable[[Tensor], Tensor]
Error = Callable[[Tensor, Tensor], Tensor]
"""From reconstructions ``(n, k, *shape)`` and observations ``(n, *shape)`` to errors ``(n, k)``, float64."""

VALUES_AT_ONCE = 2**20
"""Values that are decoded together; bounds memory, changes no result."""
NO_CONTRIBUTION = 1e-8
"""Share of the sample's error below which the error that sampling adds counts as none, so that ratios are undefined."""

NO_DISSIMILARITY = 1e-9
"""1 - SSIM up to which images count as equal: rounding of values in single precision."""


class Contributions(NamedTuple):
    """Errors averaged over observations, and what follows from them. Leading axes, if any, are those of the errors.

    Attributes:
        sample_error: Of decoded samples, shape ``(...)``.
        mean_error: Of decoded means, shape ``(...)``.
        intervention_error: Of decoded samples with one latent at its mean, shape ``(..., latent_dim)``.
        base: What sampling adds: the first less the second, shape ``(...)``.
        contributions: What sampling one latent adds: the first less the third, shape ``(..., latent_dim)``.
        ratios: Contributions over the base, shape ``(..., latent_dim)``; ``nan`` where sampling adds nothing.
    """

    sample_error: Tensor
    mean_error: Tensor
    intervention_error: Tensor
    base: Tensor
    contributions: Tensor
    ratios: Tensor


def squared_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Return the squared error of each reconstruction, averaged over values: Müller et al. 2025, Section 2.4.

    Args:
        reconstruction: Shape ``(n, k, *shape)``.
        x: Observations, shape ``(n, *shape)``.

    Returns:
        Errors in squared data units, float64, shape ``(n, k)``.
    """
    return in_double((reconstruction - x[:, None]).flatten(2)).square().mean(dim=2)


@accepts_arrays
def contribution_ratios(
    decode: Decode,
    mu: Tensor,
    sigma: Tensor,
    eps: Tensor,
    x: Tensor,
    intervention_eps: Tensor | None = None,
    error: Error = squared_error,
) -> Contributions:
    """Return what each latent contributes to the error that sampling adds to a reconstruction.

    Müller et al. 2025, Section 2.4: for each observation, ``z = mu + sigma eps`` is decoded as it is, at its mean, and
    with one latent after the other set to its mean. Errors are averaged over observations before ratios are taken,
    which is what reproduces the published table; so does one sample for all interventions on an observation.

    Args:
        decode: From latents ``(k, latent_dim)`` to observations ``(k, *shape)``.
        mu: Posterior means, shape ``(n, latent_dim)``.
        sigma: Posterior standard deviations, same shape.
        eps: Standard normal noise, same shape.
        x: Observations, shape ``(n, *shape)``.
        intervention_eps: Noise of its own for each intervention, shape ``(n, latent_dim, latent_dim)``, the second axis
            being the latent that is set.
        error: Of reconstructions, such as ``vaehub.plugins.intervention.ssim.structural_error``.
    """
    return from_errors(intervention_errors(decode, mu, sigma, eps, x, intervention_eps, error).mean(dim=0))


@accepts_arrays
def intervention_errors(
    decode: Decode,
    mu: Tensor,
    sigma: Tensor,
    eps: Tensor,
    x: Tensor,
    intervention_eps: Tensor | None = None,
    error: Error = squared_error,
) -> Tensor:
    """Return the errors of each observation's sample, mean and interventions.

    Müller et al. 2025, Section 2.4. Arguments are those of :func:`contribution_ratios`.

    Returns:
        Errors, float64, shape ``(n, 2 + latent_dim)``: sample, mean, and each intervention.
    """
    z = (mu + sigma * eps)[:, None]
    if intervention_eps is not None:
        z = torch.cat([z, z, mu[:, None] + sigma[:, None] * intervention_eps], dim=1)
    single = torch.eye(mu.shape[1], dtype=torch.bool, device=mu.device)
    none_and_all = torch.tensor([[False], [True]], device=mu.device).expand(2, mu.shape[1])
    return errors_at_mean(decode, mu, z, x, torch.cat([none_and_all, single]), error)


@accepts_arrays
def errors_at_mean(
    decode: Decode, mu: Tensor, z: Tensor, x: Tensor, is_set: Tensor, error: Error = squared_error
) -> Tensor:
    """Return the errors of each observation's sample with sets of latents at their means.

    Müller et al. 2025, Section 2.4, for any sets.

    Args:
        decode: From latents ``(m, latent_dim)`` to observations ``(m, *shape)``.
        mu: Posterior means, shape ``(n, latent_dim)``.
        z: Samples, shape ``(n, 1, latent_dim)``, or ``(n, k, latent_dim)`` for one of its own for each set.
        x: Observations, shape ``(n, *shape)``.
        is_set: The latents of each set, boolean, shape ``(k, latent_dim)``.
        error: Of reconstructions.

    Returns:
        Errors, float64, shape ``(n, k)``.
    """
    step = max(1, VALUES_AT_ONCE // (len(is_set) * max(1, x[0].numel())))
    chunks = []
    for start in range(0, len(mu), step):
        at = slice(start, start + step)
        latents = torch.where(is_set, mu[at, None], z[at])
        decoded = torch.as_tensor(decode(latents.flatten(0, 1)))
        chunks.append(error(decoded.reshape(*latents.shape[:2], *x.shape[1:]), x[at]))
    return torch.cat(chunks)


@accepts_arrays
def from_errors(errors: Tensor) -> Contributions:
    """Return contributions and ratios from errors: of samples, of means, and of each intervention.

    Müller et al. 2025, Section 2.4. A base that is negative, where samples are better than means, is not hidden.

    Args:
        errors: Means over observations, shape ``(..., 2 + latent_dim)``.
    """
    sample, mean, intervened = errors[..., 0], errors[..., 1], errors[..., 2:]
    base, contributions = sample - mean, sample[..., None] - intervened
    # A posterior without variance adds nothing, so 0 / 0 does occur.
    is_defined = base.abs() > NO_CONTRIBUTION * sample
    ratios = torch.where(is_defined[..., None], contributions / base[..., None], torch.nan)
    return Contributions(sample, mean, intervened, base, contributions, ratios)


@accepts_arrays
def growing_sets(order: Tensor) -> Tensor:
    """Return the sets of latents that hold none, the first, the first two … of an order, shape ``(d + 1, d)``.

    Args:
        order: Every latent once, shape ``(d,)``.

    Returns:
        Booleans, a set in each row and a latent in each column.
    """
    rank = order.argsort()
    return rank < torch.arange(len(order) + 1, device=order.device)[:, None]


@accepts_arrays
def by_ratio(found: Contributions) -> Tensor:
    """Return latents from the greatest ratio down, those of equal ratio by number; int64, shape ``(latent_dim,)``.

    Where sampling adds nothing and ratios are undefined, the order is that of contributions.
    """
    ranked = torch.where(found.ratios.isnan(), found.contributions, found.ratios)
    return ranked.argsort(descending=True, stable=True)


@accepts_arrays
def removed_shares(errors: Tensor) -> Tensor:
    """Return how much of what sampling adds is taken off as more and more latents are at their means.

    Args:
        errors: When none, some, … and all are, shape ``(k,)``.

    Returns:
        From 0 to 1, without unit, beyond these where latents interact; ``nan`` where sampling adds nothing.
    """
    base = errors[0] - errors[-1]
    return torch.where(base.abs() > NO_CONTRIBUTION * errors[0], (errors[0] - errors) / base, torch.nan)


@accepts_arrays
def kept_shares(dissimilarities: Tensor) -> Tensor:
    """Return what is left of the first of several dissimilarities, as a share of it, shape ``(k,)``.

    ``nan`` where there was nothing to lose: a first one that is no more than rounding.
    """
    first = dissimilarities[0]
    return torch.where(first > NO_DISSIMILARITY, dissimilarities / first, torch.nan)


class JointContributions(NamedTuple):
    """What setting one latent after the other to its mean does to the error.

    Attributes:
        order: Latents in the order in which they are set, int64, shape ``(latent_dim,)``.
        errors: When none, one, two … of them are set, float64, shape ``(latent_dim + 1,)``.
        shares: Of what sampling adds, how much is taken off, same shape; ``nan`` where sampling adds nothing.
        contributions: By how much the error fell when a latent was set, shape ``(latent_dim,)``, in order of latents.
    """

    order: Tensor
    errors: Tensor
    shares: Tensor
    contributions: Tensor


def greedy_contributions(errors_of: Callable[[Tensor], Tensor], latent_dim: int) -> JointContributions:
    """Return what latents contribute if each is set when that lowers the error most, given those already set.

    Beyond Müller et al. 2025, who set one latent at a time. Of equals, the first is set first.

    Args:
        errors_of: From sets of latents, boolean, shape ``(k, latent_dim)``, to the error of each, shape ``(k,)``.
        latent_dim: Number of latents.
    """
    is_set = torch.zeros(latent_dim, dtype=torch.bool)
    order: list[int] = []
    found = [float(errors_of(is_set[None])[0])]
    while len(order) < latent_dim:
        left = torch.nonzero(~is_set).flatten()
        candidates = is_set.repeat(len(left), 1)
        candidates[torch.arange(len(left)), left] = True
        of_candidates = errors_of(candidates)
        best = int(of_candidates.argmin())
        order.append(int(left[best]))
        found.append(float(of_candidates[best]))
        is_set[order[-1]] = True
    errors = torch.tensor(found, dtype=torch.float64)
    contributions = torch.empty(latent_dim, dtype=torch.float64)
    contributions[order] = -errors.diff()
    return JointContributions(torch.tensor(order), errors, removed_shares(errors), contributions)
