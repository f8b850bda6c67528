"""Where a path is searched for: a plane of two latents, the others held, or the space of all latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaehub.plugins.latent_response.kernels import Respond, field_at


@dataclass(frozen=True)
class Plane:
    """Two latents that vary.

    Attributes:
        latents: Which two.
        held: What all latents but these are in what is decoded, shape ``(latent_dim,)``.
        rest: Latent vectors over which the field is a mean, shape ``(b, latent_dim)``.
    """

    latents: tuple[int, int]
    held: Tensor
    rest: Tensor

    @property
    def n_rest(self) -> int:
        """Responses that are computed for the field at one point."""
        return len(self.rest)

    def field(self, respond: Respond, points: Tensor, at_once: int) -> Tensor:
        """Return how far the response moves on the plane, shape ``(k, 2)``."""
        # In the model's own precision, or rounding on the way in would be an arrow where there is none.
        return field_at(respond, points, self.rest.float(), self.latents, at_once)

    def whole(self, points: Tensor) -> Tensor:
        """Return all latents of points on the plane, shape ``(k, latent_dim)``."""
        codes = self.held.double().repeat(len(points), 1)
        codes[:, list(self.latents)] = points.double()
        return codes

    def within(self, codes: Tensor) -> Tensor:
        """Return where latents are on the plane, shape ``(k, 2)``."""
        return codes[:, list(self.latents)]


@dataclass(frozen=True)
class AllLatents:
    """The space of all latents, in which points are latents."""

    n_rest = 1

    def field(self, respond: Respond, points: Tensor, at_once: int) -> Tensor:
        """Return how far the response moves, shape ``(k, latent_dim)``."""
        return torch.cat([respond(block).double() - block.double() for block in torch.split(points, at_once)])

    def whole(self, points: Tensor) -> Tensor:
        """Return the points."""
        return points

    def within(self, codes: Tensor) -> Tensor:
        """Return the latents."""
        return codes


Space = Plane | AllLatents
