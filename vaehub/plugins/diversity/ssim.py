"""The structural diversity of a dataset."""

from typing import final

import torch

from vaehub import DataError, Dataset, DatasetMetric, Result
from vaehub.plugins.diversity.kernels import bootstrap_interval, diversity_of, ssim_diversity, ssim_matrix
from vaehub.plugins.diversity.params import SsimDiversityParams

MOST_IN_MATRIX = 10_000
"""Images whose matrix of similarities fits in memory (0.8 GB), which resampling needs."""


@final
class SsimDiversity(DatasetMetric):
    """Mean of 1 - SSIM over pairs of images: Müller et al. 2025, Section 2.2.

    The formula is printed with statistics of whole images; the figures are those of 7x7 windows, the default here.
    """

    Params = SsimDiversityParams
    params: SsimDiversityParams

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, ``diversity_variance``, the interval's ends and the number of pairs."""
        part = data.part(self.params.part) if self.params.part in data.parts else data
        rows = self._rows(len(part))
        channels, *_ = part.spec.shape
        if len(part.spec.shape) != 3 or channels != 1:
            raise DataError(
                f"metric 'ssim_diversity' is for grey images, and these have shape {part.spec.shape}; "
                "'-s data.channels=1' makes colours grey"
            )
        if self.params.n_bootstrap and len(rows) > MOST_IN_MATRIX:
            raise DataError(
                f"resampling needs all similarities of {len(rows)} images in memory, and takes {MOST_IN_MATRIX} at "
                "most; '-s metric.n_bootstrap=0' leaves the interval out"
            )
        x = part.subset(rows).x[:, 0]
        scalars: dict[str, float] = {"n_images": len(rows), "n_pairs": len(rows) * (len(rows) - 1) // 2}
        if self.params.n_bootstrap:
            similarity = ssim_matrix(x, self.params.variant)
            mean, variance = diversity_of(similarity)
            random = self.generator("bootstrap")
            ends = bootstrap_interval(similarity, self.params.n_bootstrap, self.params.confidence, random)
            scalars |= dict(zip(("diversity_low", "diversity_high"), ends, strict=True))
        else:
            mean, variance = ssim_diversity(x, self.params.variant)
        scalars |= {"diversity": mean, "diversity_variance": variance}
        return Result(scalars=scalars)

    def _rows(self, n: int) -> torch.Tensor:
        wanted = n if self.params.n_samples == "all" else self.params.n_samples
        if wanted > n or n < 2:
            raise DataError(
                f"metric 'ssim_diversity' was asked for {wanted} images, and there are {n}; "
                f"set '-s metric.n_samples={n}' or less"
            )
        return torch.randperm(n, generator=self.generator("images"))[:wanted]
