"""Mathematics of the double helix."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from vaehub.analysis import accepts_arrays


@accepts_arrays
def double_helix(t: Tensor, strand: Tensor, amplitude: Sequence[float], frequency: float, noise: Tensor) -> Tensor:
    """Return points on two strands wound round the third axis, half a turn apart.

    Leeb et al. 2021, Eq. 10: ``x = [A1 cos(pi (w t + n)), A2 sin(pi (w t + n)), A3 t] + noise``.

    Args:
        t: Position along the strand, in [-1, 1], shape ``(n,)``.
        strand: Which of the two, 0 or 1, shape ``(n,)``.
        amplitude: ``A``, half the extent along each of three axes.
        frequency: ``w``, turns of a strand from -1 to 1.
        noise: Noise added to the points, shape ``(n, 3)``, in their unit.

    Returns:
        Points, shape ``(n, 3)``, in the unit of the amplitude.
    """
    angle = math.pi * (frequency * t + strand)
    a1, a2, a3 = amplitude
    return torch.stack([a1 * torch.cos(angle), a2 * torch.sin(angle), a3 * t], dim=1) + noise
