"""Derivatives held against the change of what is decoded along one random direction."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from vaehub.analysis.jacobians import Decode, change_between
from vaehub.core.errors import WorkFailed
from vaehub.core.random import generator

SHARE = 1e-3
"""Share of the decoded values' norm by which each latent should change them: far more than rounding, and little enough
for a straight line."""
REACH = 1e-2
"""Furthest move of a latent, in its spread, for latents that change little."""
RUNGS = (1.0, 4.0, 1 / 4, 1 / 16)
"""Sizes of the move, tried in turn: a larger one where rounding is coarse, smaller ones where there are kinks."""
CLEARLY = 0.05
"""Relative difference up to which derivatives are right: kinks between both sides of a move make as much."""
SURELY = 4
"""Two moves of different size agree with each other this many times better than with derivatives that are wrong."""
ROUNDING = 16
"""Rounding errors of a decoded value, in units of its last digit."""
FLAT = 1e-2
"""Least spread of a latent, as a share of the greatest: passive latents have hardly any."""
JUMP = 0.5
"""Move of all latents, in their spread, that tells a constant decoder from one that changes in jumps."""


def latent_scales(z: Tensor) -> Tensor:
    """Return how far each latent spreads, shape ``(latent_dim,)``, all above 0.

    The standard deviation over observations; where all are the same, the root mean square of all values, or 1.

    Args:
        z: Latent vectors, shape ``(n, latent_dim)``, n at least 1.
    """
    spread = z.std(dim=0, correction=0)
    greatest = spread.max()
    if not bool(greatest > 0):
        size = z.square().mean().sqrt()
        return torch.ones_like(spread) * torch.where(size > 0, size, 1.0)
    # A step that rounding swallows is none.
    resolution = 64 * torch.finfo(z.dtype).eps / REACH * z.abs().amax(dim=0)
    return spread.clamp_min(FLAT * greatest).maximum(resolution)


class Agreement:
    """Compares derivatives of a decoder with changes of what it decodes, along a direction drawn for each comparison.

    Args:
        scales: Spread of each latent, as :func:`latent_scales` returns it.
    """

    def __init__(self, scales: Tensor) -> None:
        self.scales = scales
        self._generator = generator(0, "derivatives")
        self._size: float | None = None

    @torch.no_grad()
    def contradicts(self, decode: Decode, z: Tensor, jacobian: Tensor) -> bool:
        """Return whether derivatives are certainly wrong.

        Each latent moves so far that its derivatives predict a change of the same size for all; a latent without any
        moves by a hundredth of its spread. Where rounding or kinks leave doubt, derivatives count as right.

        Args:
            decode: The decoder.
            z: Where it was differentiated, shape ``(n, latent_dim)``.
            jacobian: Its derivatives, shape ``(latent_dim, n, n_values)``.

        Raises:
            WorkFailed: If the decoder is random.
        """
        size = self._size_of(decode, z)
        norms = _norms(jacobian, dim=(1, 2))
        moves = self._signs(z) * torch.minimum(REACH * self.scales, SHARE * size / norms).to(z.dtype)
        noise = self._noise(size, jacobian)
        slopes: list[tuple[Tensor, float]] = []
        for rung in RUNGS:
            change, moved = change_between(decode, z, rung * moves)
            if not bool(change.isfinite().all()) or not bool(jacobian.isfinite().all()):
                return False
            predicted = _along(jacobian, moved)
            gap, total = float(_norms(change - predicted)), max(float(_norms(change)), float(_norms(predicted)))
            if gap <= CLEARLY * total + noise:
                return False
            if not slopes:
                _check_reproducible(decode, z, noise)
            slopes.append((change / rung, gap / rung))
        pairs = [(float(_norms(a - b)), min(gap_a, gap_b)) for (a, gap_a), (b, gap_b) in _neighbours(slopes)]
        return any(SURELY * between < gap for between, gap in pairs)

    @torch.no_grad()
    def error(self, decode: Decode, z: Tensor, jacobian: Tensor, steps: Tensor) -> float:
        """Return the relative error of differences, from steps half as large along one direction.

        Args:
            decode: The decoder.
            z: As in :meth:`contradicts`.
            jacobian: As in :meth:`contradicts`.
            steps: The steps of the differences, shape ``(latent_dim,)``.

        Raises:
            WorkFailed: If the decoder is random, or changes in jumps.
        """
        size = self._size_of(decode, z)
        noise = self._noise(size, jacobian)
        _check_reproducible(decode, z, noise)
        change, moved = change_between(decode, z, self._signs(z) * steps / 2)
        predicted = _along(jacobian, moved)
        gap, total = float(_norms(change - predicted)), max(float(_norms(change)), float(_norms(predicted)))
        if total == 0:
            jump, _ = change_between(decode, z, (JUMP * self.scales).to(z.dtype).expand_as(z))
            if float(_norms(jump)) > noise:
                raise WorkFailed(
                    "the decoder changes in jumps and is constant between them, so that it has no derivatives; leave "
                    "the rounding of its values out"
                )
            return 0.0
        return gap / max(total, noise)

    def _size_of(self, decode: Decode, z: Tensor) -> float:
        """Return the norm of what is decoded, taken from the first observations; the others have it too."""
        if self._size is None:
            self._size = float(_norms(decode(z.clone()))) / len(z) ** 0.5
        return self._size * float(len(z) ** 0.5)

    def _signs(self, z: Tensor) -> Tensor:
        drawn = torch.rand(z.shape, generator=self._generator, dtype=torch.float32).to(z)
        return torch.where(drawn < 0.5, drawn - 1, drawn)

    @staticmethod
    def _noise(size: float, jacobian: Tensor) -> float:
        return ROUNDING * torch.finfo(jacobian.dtype).eps * size


def _check_reproducible(decode: Decode, z: Tensor, noise: float) -> None:
    if not float(_norms(decode(z.clone()) - decode(z.clone()))) <= noise:
        raise WorkFailed(
            "the decoder gives other values each time for the same latents, so that it has no derivatives; let it give "
            "the mean, without noise"
        )


def _along(jacobian: Tensor, moved: Tensor) -> Tensor:
    return torch.einsum("lnv,nl->nv", jacobian, moved.to(jacobian.dtype))


def _norms(x: Tensor, dim: tuple[int, ...] | None = None) -> Tensor:
    # Squares of half precision overflow.
    return torch.linalg.vector_norm(x.float() if x.dtype.itemsize < 4 else x, dim=dim)  # type: ignore[no-any-return]


def _neighbours(slopes: list[tuple[Tensor, float]]) -> list[tuple[tuple[Tensor, float], tuple[Tensor, float]]]:
    """Return pairs of slopes whose moves are next in size."""
    ordered = [slopes[at] for at in sorted(range(len(slopes)), key=lambda at: -RUNGS[at])]
    return list(pairwise(ordered))
