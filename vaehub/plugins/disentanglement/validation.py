"""Validation of codes and factors, the arguments of every kernel."""

import torch
from torch import Tensor

from vaehub import VaehubError


def checked(codes: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes in float64 and factors as whole numbers, on the device of the codes.

    Args:
        codes: Representation, shape ``(n, n_latents)``.
        factors: Class of each factor, shape ``(n, n_factors)``.

    Raises:
        VaehubError: If the shapes do not fit, there are fewer than two observations, a code is not finite, or a factor
            is not whole.
    """
    if codes.ndim != 2 or factors.ndim != 2 or 0 in (codes.shape[1], factors.shape[1]):
        raise VaehubError(
            "codes have shape (n, n_latents) and factors (n, n_factors), got "
            f"{tuple(codes.shape)} and {tuple(factors.shape)}"
        )
    if len(codes) != len(factors):
        raise VaehubError(
            f"codes and factors belong to the same observations, got {len(codes)} codes and {len(factors)} factors"
        )
    if len(codes) < 2:
        raise VaehubError(f"codes of at least 2 observations are needed, got {len(codes)}")
    if not codes.isfinite().all():
        raise VaehubError("codes are finite, and some of these are NaN or infinite")
    whole = factors.to(codes.device, torch.int64)
    if not torch.equal(whole.to(factors.dtype), factors.to(codes.device)):
        raise VaehubError("factors are whole numbers, and some of these are not")
    return codes.double(), whole


def checked_test(
    codes: Tensor, factors: Tensor, test_codes: Tensor | None, test_factors: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the observations that a classifier is tested on; without any, those that it learned from.

    Args:
        codes: Those learned from, checked.
        factors: Their factors, checked.
        test_codes: Those tested on, or ``None``.
        test_factors: Their factors, or ``None``.

    Raises:
        VaehubError: If only one of both is there, or they have other latents or factors.
    """
    if test_codes is None and test_factors is None:
        return codes, factors
    if test_codes is None or test_factors is None:
        raise VaehubError("test codes and test factors go together, and only one of the two was given")
    if test_codes.shape[1:] != codes.shape[1:] or test_factors.shape[1:] != factors.shape[1:]:
        raise VaehubError(
            f"observations tested on have as many latents and factors as those learned from, {codes.shape[1]} and "
            f"{factors.shape[1]}, got shapes {tuple(test_codes.shape)} and {tuple(test_factors.shape)}"
        )
    return checked(test_codes, test_factors)


def n_levels(factors: Tensor) -> Tensor:
    """Return how many classes of each factor occur: classes ``(n, n_factors)`` to ``(n_factors,)``."""
    return torch.tensor([len(torch.unique(column)) for column in factors.unbind(dim=1)])


def check_vary(factors: Tensor) -> None:
    """Refuse factors of which one has the same class everywhere.

    Raises:
        VaehubError: If so.
    """
    if constant := (n_levels(factors) < 2).nonzero()[:, 0].tolist():
        raise VaehubError(
            f"factors need at least two classes, and {', '.join(map(str, constant))} (from 0) has one; leave it out"
        )
