"""Separated attribute predictability: whether one latent alone predicts a factor, and no other does."""

from __future__ import annotations

import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor

from vaehub import WorkFailed
from vaehub.analysis import accepts_arrays
from vaehub.plugins.disentanglement.validation import check_vary, checked, checked_test

STRENGTH = 0.01
"""Inverse strength of regularisation of each classifier: Locatello et al. 2019, released code."""
FLAT = 1e-12
"""Variance up to which a latent is constant and correlated with nothing: Locatello et al. 2019, released code."""


@accepts_arrays
def sap(
    codes: Tensor,
    factors: Tensor,
    test_codes: Tensor | None = None,
    test_factors: Tensor | None = None,
    *,
    continuous: bool = False,
) -> float:
    """Return the separated attribute predictability.

    Kumar et al. 2018, Section 3, as Locatello et al. 2019 compute it: the mean over factors of :func:`separations`.

    Args:
        codes: Representation that classifiers learn from, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers, none constant.
        test_codes: Others that they are tested on, shape ``(k, n_latents)``; those learned from, if none are given.
        test_factors: Their classes, shape ``(k, n_factors)``.
        continuous: Whether factors are numbers, whose linear correlation with latents counts; else they are classes.

    Returns:
        In [0, 1], without unit.

    Raises:
        VaehubError: If codes and factors do not fit, or a factor is constant.
    """
    if continuous:
        return float(separations(squared_correlation(codes, factors)).mean())
    return float(separations(single_latent_accuracy(codes, factors, test_codes, test_factors)).mean())


@accepts_arrays
def separations(scores: Tensor) -> Tensor:
    """Return by how much the first latent is better than the second, for each factor.

    Args:
        scores: At least 0, shape ``(n_latents, n_factors)``.

    Returns:
        Shape ``(n_factors,)``. One latent alone has a second with a score of 0.
    """
    greatest = torch.cat([scores, torch.zeros_like(scores[:1])]).topk(2, dim=0).values
    return greatest[0] - greatest[1]


@accepts_arrays
def squared_correlation(codes: Tensor, factors: Tensor) -> Tensor:
    """Return the squared linear correlation of each latent with each factor.

    Kumar et al. 2018, Section 3, for factors that are numbers.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Factors, shape ``(n, n_factors)``, whole numbers, none constant.

    Returns:
        In [0, 1], shape ``(n_latents, n_factors)``; 0 for a latent whose variance is at most :data:`FLAT`.

    Raises:
        VaehubError: As :func:`sap`.
    """
    codes, factors = checked(codes, factors)
    check_vary(factors)
    z, v = codes - codes.mean(dim=0), factors.double() - factors.double().mean(dim=0)
    squares = z.square().sum(dim=0)
    found = (z.mT @ v).square() / (squares[:, None] * v.square().sum(dim=0))
    is_flat = squares / (len(codes) - 1) <= FLAT
    return torch.where(is_flat[:, None], 0.0, found.clamp(max=1))


@accepts_arrays
def single_latent_accuracy(
    codes: Tensor, factors: Tensor, test_codes: Tensor | None = None, test_factors: Tensor | None = None
) -> Tensor:
    """Return the accuracy with which each latent by itself predicts the class of each factor.

    Kumar et al. 2018, Section 3, as Locatello et al. 2019 compute it: a linear support vector machine for each class
    against the others, with classes weighted by their rarity. Latents are taken as they are, not scaled, so that one
    of little variance predicts less than it could.

    Args:
        codes: Representation that classifiers learn from, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``, whole numbers, none constant.
        test_codes: Others that they are tested on; those learned from, if none are given.
        test_factors: Their classes.

    Returns:
        Accuracy on those tested on, in [0, 1], shape ``(n_latents, n_factors)``.

    Raises:
        VaehubError: As :func:`sap`.
    """
    codes, factors = checked(codes, factors)
    check_vary(factors)
    test_codes, test_factors = checked_test(codes, factors, test_codes, test_factors)
    train, test = (each.cpu().numpy() for each in (codes, test_codes))
    classes, test_classes = (each.cpu().numpy() for each in (factors, test_factors))
    found = torch.empty(codes.shape[1], factors.shape[1], dtype=torch.float64)
    for latent in range(codes.shape[1]):
        for factor in range(factors.shape[1]):
            # The primal problem has one solution, whatever the start; the dual solver draws at random.
            # It draws a seed all the same, from NumPy's global state if it is given none.
            machine = LinearSVC(C=STRENGTH, class_weight="balanced", dual=False, random_state=0)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", ConvergenceWarning)
                    machine.fit(train[:, [latent]], classes[:, factor])
            except ConvergenceWarning as warning:
                raise WorkFailed(
                    f"the support vector machine of latent {latent} and factor {factor} (from 0) did not converge "
                    f"within {machine.max_iter} steps; are codes of that latent very large?"
                ) from warning
            found[latent, factor] = machine.score(test[:, [latent]], test_classes[:, factor])
    return found.to(codes.device)
