"""Scores of groups of observations that share a factor: FactorVAE's and beta-VAE's."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays


@accepts_arrays
def least_varying(groups: Tensor, variance: Tensor, threshold: float = 0.05) -> Tensor:
    """Return the latent that varies least within each group, relative to how much it varies at all.

    Kim & Mnih 2018, Section 4, as Locatello et al. 2019 compute it: by local over global variance, both with
    ``ddof=1``.

    Args:
        groups: Codes of observations that share a factor, shape ``(n_groups, size, n_latents)``.
        variance: Variance of each latent over all observations, shape ``(n_latents,)``.
        threshold: Standard deviation below which a latent cannot be the one.

    Returns:
        Position of the latent among all, kept or not, shape ``(n_groups,)``; -1 if none is kept.

    Raises:
        VaehubError: If a group has fewer than two observations, or the numbers of latents differ.
    """
    if groups.ndim != 3 or groups.shape[1] < 2 or groups.shape[2:] != variance.shape:
        raise VaehubError(
            "groups have shape (n_groups, size, n_latents) with a size of at least 2, and variances (n_latents,), got "
            f"{tuple(groups.shape)} and {tuple(variance.shape)}"
        )
    kept = varying_latents(variance, threshold)
    if not kept.any():
        return torch.full((len(groups),), -1, device=groups.device)
    relative = groups.double().var(dim=1) / variance.double()
    return torch.where(kept, relative, torch.inf).argmin(dim=1)


@accepts_arrays
def varying_latents(variance: Tensor, threshold: float = 0.05) -> Tensor:
    """Return which latents vary enough to be the one that varies least.

    Locatello et al. 2019, released code: those with a standard deviation of at least the threshold. A latent that never
    changes is none of them even if the threshold is 0.

    Args:
        variance: Variance of each latent, shape ``(n_latents,)``.
        threshold: In the latent's own unit.

    Returns:
        Mask, shape ``(n_latents,)``.
    """
    return (variance.double().sqrt() >= threshold) & (variance > 0)


@accepts_arrays
def vote_counts(latents: Tensor, held: Tensor, n_latents: int, n_factors: int) -> Tensor:
    """Return how many groups that hold each factor vote for each latent.

    Args:
        latents: Position of the latent of each group, shape ``(n_groups,)``; -1 votes for none.
        held: Position of the factor that it holds, shape ``(n_groups,)``.
        n_latents: How many latents there are.
        n_factors: How many factors.

    Returns:
        Counts, shape ``(n_factors, n_latents)``.
    """
    voting = latents >= 0
    places = held.to(latents)[voting] * n_latents + latents[voting]
    return torch.bincount(places, minlength=n_factors * n_latents).reshape(n_factors, n_latents)


@accepts_arrays
def factor_vae_score(votes: Tensor, test_votes: Tensor | None = None) -> float:
    """Return the accuracy of naming the held factor from the latent that varies least.

    Kim & Mnih 2018, Section 4: the classifier names, for each latent, the factor with the most votes for it.

    Args:
        votes: Counts that the classifier learns from, shape ``(n_factors, n_latents)``.
        test_votes: Counts that it is tested on, same shape; those learned from, if none are given.

    Returns:
        In [0, 1], without unit, where chance is ``1 / n_factors``; 0 if nobody votes, as in the code of Locatello et
        al. 2019: there is then no latent that varies.

    Raises:
        VaehubError: If shapes differ.
    """
    tested = votes if test_votes is None else test_votes
    if votes.ndim != 2 or tested.shape != votes.shape:
        raise VaehubError(
            f"votes have shape (n_factors, n_latents), the same to learn and to test, got {tuple(votes.shape)} and "
            f"{tuple(tested.shape)}"
        )
    total = int(tested.sum())
    if total == 0:
        return 0.0
    named = votes.argmax(dim=0, keepdim=True)
    return float(tested.gather(0, named).sum()) / total


@accepts_arrays
def mean_differences(pairs: Tensor) -> Tensor:
    """Return the mean absolute difference of pairs that share a factor, by latent.

    Higgins et al. 2017, Section 3.

    Args:
        pairs: Codes, shape ``(n_groups, n_pairs, 2, n_latents)``; all pairs of a group hold the same factor, each at a
            value of its own.

    Returns:
        At least 0, in the unit of the codes, shape ``(n_groups, n_latents)``.
    """
    if pairs.ndim != 4 or pairs.shape[2] != 2:
        raise VaehubError(f"pairs have shape (n_groups, n_pairs, 2, n_latents), got {tuple(pairs.shape)}")
    return (pairs[:, :, 0].double() - pairs[:, :, 1].double()).abs().mean(dim=1)


class HeldFactor(NamedTuple):
    """How well the held factor is named.

    Attributes:
        accuracy: Share of right answers on other groups.
        train_accuracy: Share of right answers on those learned from.
        converged: Whether the solver converged.
    """

    accuracy: float
    train_accuracy: float
    converged: bool


@accepts_arrays
def beta_vae_score(
    differences: Tensor, held: Tensor, test_differences: Tensor, test_held: Tensor, *, max_iter: int = 1000
) -> HeldFactor:
    """Return the accuracy of naming the held factor from mean differences, by logistic regression.

    Higgins et al. 2017, Section 3, as Locatello et al. 2019 compute it, with scikit-learn's defaults. Theirs were those
    of a version which took one class against the others; it is now one model of all classes.

    Args:
        differences: From :func:`mean_differences`, to learn from, shape ``(n_groups, n_latents)``.
        held: Position of the factor that each group holds, shape ``(n_groups,)``.
        test_differences: Others, to be tested on.
        test_held: Their factors.
        max_iter: Steps of the solver, at most; scikit-learn's default is 100.

    Returns:
        Accuracies in [0, 1], where chance is one over the number of factors, and whether the solver converged.

    Raises:
        VaehubError: If the groups to learn from all hold one factor.
    """
    x, y, test_x, test_y = (each.cpu().numpy() for each in (differences, held, test_differences, test_held))
    if len(torch.unique(held)) < 2:
        raise VaehubError("groups have to hold at least two different factors, and these hold one; draw more of them")
    classifier = LogisticRegression(max_iter=max_iter)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(x, y)
    return HeldFactor(
        accuracy=float(classifier.score(test_x, test_y)),
        train_accuracy=float(classifier.score(x, y)),
        converged=not caught,
    )
