"""Mathematics of regularised autoencoders."""

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Widths of the summed kernels, relative to the width that suits a standard normal."""


@accepts_arrays
def mmd2_imq(p: Tensor, q: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy of two samples, estimated without bias.

    Tolstikhin et al. 2018, Algorithm 2, with the kernel of their code: inverse multiquadratics ``C / (C + |a - b|^2)``
    summed over ``C = 2 d s`` for seven scales ``s``, which suit a standard normal in ``d`` dimensions.

    Args:
        p: First sample, shape ``(n, d)``.
        q: Second sample, shape ``(n, d)``.

    Returns:
        Estimate, scalar without unit; it may be negative, and is ``nan`` for samples of one.
    """
    n, dimensions = p.shape
    widths = 2 * dimensions * p.new_tensor(SCALES)[:, None, None]

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squared = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
        return (widths / (widths + squared)).sum(dim=0)

    # The kernel of an observation with itself is 1 at every scale, and is left out.
    within = sum(kernel(x, x).sum() - n * len(SCALES) for x in (p, q))
    return within / (n * (n - 1)) - 2 * kernel(p, q).mean()
