"""The double helix."""

from typing import final

import torch

from vaehub import Dataset, DataSource, generator, prepare
from vaehub.plugins.datasets.helix.kernels import double_helix
from vaehub.plugins.datasets.helix.params import HelixParams


@final
class Helix(DataSource[HelixParams]):
    """Points on a double helix, with the strand as label: Leeb et al. 2021, Eq. 10.

    The paper writes the noise as N(0, sigma I), which makes sigma a variance; the published code uses it as a standard
    deviation, and so do we.
    """

    def load(self) -> Dataset:
        """Return the points, shape ``(n_samples, 3)``, not in [0, 1].

        Position, strand and noise have separate random streams, so that different noise leaves the rest unchanged.
        """
        n, seed = self.params.n_samples, self.params.seed
        t = 2 * torch.rand(n, dtype=torch.float64, generator=generator(seed, "helix", "t")) - 1
        strand = torch.randint(2, (n,), generator=generator(seed, "helix", "strand"))
        noise = torch.randn(n, 3, dtype=torch.float64, generator=generator(seed, "helix", "noise"))
        x = double_helix(t, strand, self.params.amplitude, self.params.frequency, self.params.noise * noise)
        return prepare(Dataset(x, labels=strand), self.params)
