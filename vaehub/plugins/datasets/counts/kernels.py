"""Mathematics of the simulated counts."""

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays


@accepts_arrays
def program_shares(activity: Tensor, loadings: Tensor, baseline: Tensor) -> Tensor:
    """Return the share of each gene in the counts of each cell, log-linear in the activities of programs.

    Args:
        activity: Activity of each program in each cell, shape ``(n, n_programs)``.
        loadings: Change of a gene's log expression for each unit of a program, shape ``(n_programs, n_genes)``.
        baseline: Log expression of each gene where no program is active, up to a constant, shape ``(n_genes,)``.

    Returns:
        Shares, shape ``(n, n_genes)``, in sum 1 for each cell.
    """
    return (baseline + activity @ loadings).softmax(dim=1)


@accepts_arrays
def negative_binomial_counts(mean: Tensor, theta: float, generator: torch.Generator) -> Tensor:
    """Return draws from negative binomial distributions: Poisson, with means that are Gamma distributed.

    As in Lopez et al. 2018: the Gamma distribution has shape ``theta`` and the given mean.

    Args:
        mean: Means, any shape.
        theta: Inverse dispersion: the variance is ``mean + mean^2 / theta``.
        generator: Decides the draws.

    Returns:
        Whole numbers, in the shape and dtype of ``mean``.
    """
    rate = mean / theta * torch._standard_gamma(torch.full_like(mean, theta), generator=generator)
    return torch.poisson(rate, generator=generator)


@accepts_arrays
def quantile_classes(values: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Return classes of equal frequency, and the median of each.

    Args:
        values: Real numbers, shape ``(k,)``, at least one for each class.
        n: Number of classes.

    Returns:
        Class of each value, from 0 for the lowest, shape ``(k,)``, and medians, shape ``(n,)``.
    """
    rank = values.argsort(stable=True).argsort()
    classes = rank * n // len(values)
    return classes, torch.stack([values[classes == each].median() for each in range(n)])
