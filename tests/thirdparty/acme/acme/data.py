"""Striped images: every combination of a frequency and a phase."""

import torch
import vaehub
from vaehub import Field


class StripesParams(vaehub.Params):
    side: int = Field(8, gt=1, description="pixels on each side")


class Stripes(vaehub.DataSource[StripesParams]):
    def load(self) -> vaehub.Dataset:
        frequency, phase = torch.meshgrid(torch.arange(8), torch.arange(32), indexing="ij")
        classes = torch.stack([frequency.flatten(), phase.flatten()], dim=1)
        across = torch.linspace(0, 1, self.params.side)
        angle = 6.28 * (classes[:, :1] * across / 2 + classes[:, 1:] / 32)
        x = (0.5 + 0.5 * angle.sin())[:, None, None, :].expand(-1, 1, self.params.side, -1)
        factors = vaehub.Factors(("frequency", "phase"), (8, 32), classes)
        return vaehub.Dataset(x, factors=factors)
