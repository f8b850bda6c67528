"""Mathematics of whether two matrices of responsibilities say the same."""

from typing import NamedTuple

from torch import Tensor

from vaehub import VaehubError
from vaehub.analysis import accepts_arrays
from vaehub.plugins.correlation.kernels import ranks

FEWEST = 3
"""Cells below which a correlation is undefined: two points always lie on a line."""


class Agreement(NamedTuple):
    """Similarity of two matrices.

    Attributes:
        spearman_rho: In [-1, 1], without unit; ``nan`` where it is undefined.
        n_shared: Cells that both have.
    """

    spearman_rho: float
    n_shared: int


@accepts_arrays
def rank_agreement(first: Tensor, second: Tensor) -> Agreement:
    """Return Spearman's rank correlation of two matrices, over the cells that are finite in both.

    Spearman 1904: Pearson's coefficient of the ranks, tied values having the mean of theirs. Leeb et al. 2021 set such
    matrices beside each other (Figure 6b) and give no number. Importances are shares and responses are in the latents'
    unit: of two scales that have nothing in common, the order of cells is what can agree.

    Args:
        first: Values of any sign, ``nan`` where there is none, any shape.
        second: The same cells by another method, same shape.

    Returns:
        The coefficient and the number of cells; ``nan`` for fewer than 3, or if one side has the same value in all.

    Raises:
        VaehubError: If the shapes differ.
    """
    if first.shape != second.shape:
        raise VaehubError(
            f"agreement is of two matrices of one shape, got shapes {tuple(first.shape)} and {tuple(second.shape)}"
        )
    is_shared = first.isfinite() & second.isfinite()
    centred = [_centred_ranks(each[is_shared]) for each in (first, second)]
    n, scale = int(is_shared.sum()), float(centred[0].norm() * centred[1].norm())
    return Agreement(float(centred[0] @ centred[1]) / scale if n >= FEWEST and scale else float("nan"), n)


def _centred_ranks(values: Tensor) -> Tensor:
    # Ranks are multiples of one half, and so is their mean: those of a constant are 0 exactly.
    return ranks(values) - (len(values) + 1) / 2
