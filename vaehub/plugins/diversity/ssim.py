"""The structural diversity of a dataset."""

from typing import final

from vaehub import Dataset, DatasetMetric, Needs, Result
from vaehub.analysis import smallest_ssim_side
from vaehub.plugins.diversity.kernels import draw, ssim_moments
from vaehub.plugins.diversity.pair_scalars import pair_scalars
from vaehub.plugins.diversity.params import SsimDiversityParams


@final
class SsimDiversity(DatasetMetric[SsimDiversityParams]):
    """Mean of 1 - SSIM over pairs of images: Müller et al. 2025, Section 2.2.

    The paper prints the formula with statistics of whole images; its values are those of 7x7 windows, the default here.
    Of images with colours, SSIM is averaged over the channels.
    """

    @property
    def needs(self) -> Needs:
        """Images, not smaller than a window."""
        return Needs(
            observations=2,
            images=True,
            side=smallest_ssim_side(self.params.variant),
            instead={
                "images": "'embedding_diversity' takes any observations",
                "side": "'-s metric.variant=global' has no windows",
            },
        )

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, ``diversity_variance``, the interval's ends and the number of pairs."""
        seen = self.draw_observations(data)
        counts = draw(seen.n, self.params.n_bootstrap, self.generator("bootstrap"))
        moments = ssim_moments(seen.data.x, counts, self.params.variant)
        return Result(scalars=pair_scalars(moments, seen.n, self.params))
