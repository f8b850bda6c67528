"""Mean and covariance of data, which decide the optimum of a linear VAE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaehub import EVALUATION_BATCH, Dataset, generator
from vaehub.analysis import in_double
from vaehub.plugins.linear_vae.kernels import leading_spectrum

WIDEST = 2048
"""Values of an observation up to which their covariance is held: 32 MiB, and as much again for its eigenvectors."""


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of the values of observations, in float64.

    Attributes:
        data: The observations.
        mean: Shape ``(m,)``.
        covariance: Shape ``(m, m)``, or ``None`` where it would be large; :meth:`times` then reads the data again.
    """

    data: Dataset
    mean: Tensor
    covariance: Tensor | None

    @classmethod
    def of(cls, data: Dataset) -> Moments:
        """Return those of all values, in two passes over the data, so that nothing cancels."""
        total = torch.stack([in_double(batch.x).flatten(1).sum(dim=0) for batch in data.batches(EVALUATION_BATCH)])
        mean = total.sum(dim=0) / len(data)
        m = len(mean)
        if m > WIDEST:
            return cls(data, mean, None)
        covariance = mean.new_zeros(m, m)
        for centred in _centred(data, mean):
            covariance.addmm_(centred.mT, centred, alpha=1 / len(data))
        return cls(data, mean, covariance)

    def times(self, rows: Tensor) -> Tensor:
        """Return rows times the covariance, shape ``(k, m)`` both."""
        if self.covariance is not None:
            return rows @ self.covariance
        found = torch.zeros_like(rows)
        for centred in _centred(self.data, self.mean):
            found.addmm_(rows @ centred.mT, centred, alpha=1 / len(self.data))
        return found

    def variance_along(self, rows: Tensor) -> Tensor:
        """Return the variance of the observations' products with rows ``(k, m)``, summed over rows: scalar."""
        return (self.times(rows) * rows).sum()

    def leading(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the greatest eigenvalues of the covariance, their vectors, and the sum of all others.

        Those of a covariance that is not held are found by Lanczos' method (ARPACK) to the last digits of the greatest.
        """
        if self.covariance is not None:
            return leading_spectrum(self.covariance, n)
        eigenvalues, vectors = self._by_lanczos(n)
        rest = self.mean.new_zeros(())
        for centred in _centred(self.data, self.mean):
            # A sum of squares: nothing cancels, as it would in the trace less the greatest.
            rest += (centred - centred @ vectors @ vectors.mT).square().sum()
        return eigenvalues, vectors, rest / len(self.data)

    def _by_lanczos(self, n: int) -> tuple[Tensor, Tensor]:
        from scipy.sparse.linalg import LinearOperator, eigsh

        m, device = len(self.mean), self.mean.device

        def product(vector: np.ndarray) -> np.ndarray:
            return self.times(torch.from_numpy(vector.reshape(1, m)).to(device))[0].cpu().numpy()

        if not any(centred.any() for centred in _centred(self.data, self.mean)):
            # No direction varies, and there is none to start from.
            return self.mean.new_zeros(n), torch.eye(m, n, dtype=self.mean.dtype, device=device)
        covariance = LinearOperator((m, m), matvec=product, dtype=np.float64)
        start = torch.randn(m, generator=generator(0, "lanczos"), dtype=torch.float64).numpy()
        eigenvalues, vectors = eigsh(covariance, n, v0=start)
        order = np.argsort(-eigenvalues)
        found, along = (torch.from_numpy(each.copy()).to(device) for each in (eigenvalues[order], vectors[:, order]))
        return found.clamp(min=0), along


def _centred(data: Dataset, mean: Tensor) -> Iterator[Tensor]:
    for batch in data.batches(EVALUATION_BATCH):
        yield in_double(batch.x).flatten(1) - mean
