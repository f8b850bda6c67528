"""Mutual information of latents and factors, and the scores based on it."""

from __future__ import annotations

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays, equal_width_bins
from vaehub.plugins.disentanglement.validation import checked

PAIRS_AT_ONCE = 2**20
"""Values of a latent with that of a factor that are counted together; bounds memory, changes no result."""


@accepts_arrays
def mutual_information(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """Return the mutual information of each latent, cut into bins, with each factor.

    Locatello et al. 2019 (released code), after Chen et al. 2018: plug-in estimates from counts. Those are too high by
    about ``(bins - 1)(classes - 1) / (2 n)`` where nothing is shared.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers.
        bins: Bins of each latent, of equal width over its own range.

    Returns:
        Nats, at least 0, shape ``(n_latents, n_factors)``; 0 with a constant latent, which is in one bin, or factor.

    Raises:
        VaehubError: If codes and factors do not fit, or there are no bins.
    """
    codes, factors = checked(codes, factors)
    levels, sizes = _levels(factors)
    counts = _counts(equal_width_bins(codes, bins)[0], bins, levels, sizes)
    n = len(codes)
    # Every column of one factor has all observations, so that one column sum says how full the bins are.
    of_bins = _negative_entropy(counts[:, :, : int(sizes[0])].sum(dim=2), n).sum(dim=1)
    of_levels = _by_factor(_negative_entropy(counts[0].sum(dim=0), n), sizes)
    joint = _by_factor(_negative_entropy(counts, n).sum(dim=1), sizes)
    return (joint - of_bins[:, None] - of_levels).clamp(min=0)


@accepts_arrays
def factor_entropy(factors: Tensor) -> Tensor:
    """Return the entropy of each factor, in nats: classes ``(n, n_factors)`` to ``(n_factors,)``, 0 of a constant."""
    levels, sizes = _levels(factors.long())
    starts = sizes.cumsum(0) - sizes
    counts = torch.bincount((levels + starts[:, None]).flatten(), minlength=int(sizes.sum()))
    return _by_factor(-_negative_entropy(counts, len(factors)), sizes)


@accepts_arrays
def mig(codes: Tensor, factors: Tensor, bins: int = 20) -> float:
    """Return the mutual information gap.

    Chen et al. 2018, Eq. 6: the mean over factors of :func:`gaps`. There the information is estimated with the
    encoder's densities; the codes are cut into bins as Locatello et al. 2019 do it.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers.
        bins: Bins of each latent.

    Returns:
        In [0, 1], without unit, over factors that vary; ``nan`` if none does.

    Raises:
        VaehubError: As :func:`mutual_information`.
    """
    return float(gaps(mutual_information(codes, factors, bins), factor_entropy(factors)).nanmean())


@accepts_arrays
def gaps(information: Tensor, entropy: Tensor) -> Tensor:
    """Return how much more the first latent says of each factor than the second, as a share of what there is to say.

    Args:
        information: From :func:`mutual_information`, shape ``(n_latents, n_factors)``.
        entropy: Of factors, in nats, shape ``(n_factors,)``.

    Returns:
        In [0, 1], shape ``(n_factors,)``; ``nan`` for a constant factor. One latent alone has a second that says 0.
    """
    with_nothing = torch.cat([information, torch.zeros_like(information[:1])])
    greatest = with_nothing.topk(2, dim=0).values
    return (greatest[0] - greatest[1]) / entropy.to(information)


@accepts_arrays
def modularity(codes: Tensor, factors: Tensor, bins: int = 20) -> float:
    """Return the modularity: whether each latent depends on one factor alone.

    Ridgeway & Mozer 2018, as Locatello et al. 2019 compute it: the mean over latents of
    :func:`latent_modularity`.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers; constant ones are left out.
        bins: Bins of each latent.

    Returns:
        In [0, 1], without unit; ``nan`` for fewer than two factors that vary.

    Raises:
        VaehubError: As :func:`mutual_information`.
    """
    information = mutual_information(codes, factors, bins)
    return float(latent_modularity(information[:, factor_entropy(factors).to(information) > 0]).mean())


@accepts_arrays
def latent_modularity(information: Tensor) -> Tensor:
    """Return the modularity of each latent.

    Ridgeway & Mozer 2018: ``1 - sum_k (I_k^2) / (I_max^2 (n_factors - 1))``, the sum over factors other
    than the one of which the latent says most.

    Args:
        information: From :func:`mutual_information`, shape ``(n_latents, n_factors)``.

    Returns:
        In [0, 1], shape ``(n_latents,)``; 0 for a latent that says nothing, as in the code of Locatello et al. 2019;
        ``nan`` for fewer than two factors.
    """
    n_factors = information.shape[1]
    if n_factors < 2:
        return information.new_full((len(information),), torch.nan)
    greatest = information.amax(dim=1)
    # As shares of the greatest, since squares of very small values would be 0.
    shares = (information / greatest[:, None]).square()
    found = 1 - (shares.sum(dim=1) - 1) / (n_factors - 1)
    return torch.where(greatest > 0, found, 0.0)


def _levels(factors: Tensor) -> tuple[Tensor, Tensor]:
    """Return classes counted from 0, ``(n_factors, n)``, and a number for each factor that all of them are below."""
    columns = factors.mT.contiguous()
    columns = columns - columns.amin(dim=1, keepdim=True)
    sizes = columns.amax(dim=1) + 1
    if int(sizes.max()) > len(factors):
        # Classes that do not occur count for nothing, but take memory.
        columns = torch.stack([column.unique(return_inverse=True)[1] for column in columns])
        sizes = columns.amax(dim=1) + 1
    return columns, sizes


def _counts(binned: Tensor, bins: int, levels: Tensor, sizes: Tensor) -> Tensor:
    """Return how often each bin of each latent occurs with each class of each factor.

    All pairs are one histogram: shape ``(n_latents, bins, sum of sizes)``.
    """
    n_latents, n_classes = len(binned), int(sizes.sum())
    latents = torch.arange(n_latents, device=binned.device)
    # Half as wide is faster to count, and wide enough: a histogram that it could not number would take 16 GiB.
    first = ((latents[:, None] * bins + binned) * n_classes).int()
    second = (levels + (sizes.cumsum(0) - sizes)[:, None]).int()
    total = torch.zeros(n_latents * bins * n_classes, dtype=torch.int64, device=binned.device)
    step = max(1, PAIRS_AT_ONCE // (n_latents * len(sizes)))
    for some, others in zip(torch.split(first, step, dim=1), torch.split(second, step, dim=1), strict=True):
        total += torch.bincount((some[:, None] + others).flatten(), minlength=len(total))
    return total.reshape(n_latents, bins, n_classes)


def _negative_entropy(counts: Tensor, n: int) -> Tensor:
    """Return ``p log p`` of each share of ``n``."""
    share = counts.double() / n
    return share.xlogy(share)


def _by_factor(values: Tensor, sizes: Tensor) -> Tensor:
    """Return sums over the classes of each factor: ``(…, sum of sizes)`` to ``(…, n_factors)``."""
    return torch.stack([each.sum(dim=-1) for each in torch.split(values, sizes.tolist(), dim=-1)], dim=-1)
