"""The structural diversity of a dataset."""

from typing import final

from vaehub import DataError, Dataset, DatasetMetric, Result
from vaehub.analysis import smallest_ssim_side
from vaehub.plugins.diversity.drawing import check_enough, drawn, part_of, scalars
from vaehub.plugins.diversity.kernels import draw, ssim_moments
from vaehub.plugins.diversity.params import SsimDiversityParams


@final
class SsimDiversity(DatasetMetric):
    """Mean of 1 - SSIM over pairs of images: Müller et al. 2025, Section 2.2.

    The formula is printed with statistics of whole images; the figures are those of 7x7 windows, the default here.
    """

    Params = SsimDiversityParams
    params: SsimDiversityParams

    def check(self, data: Dataset) -> None:
        """Refuse what is no set of grey images, too few of them, and images smaller than a window."""
        part = part_of(data, self.params.part)
        check_enough("ssim_diversity", part, self.params.n_samples)
        shape = part.spec.shape
        if len(shape) != 3:
            raise DataError(
                f"metric 'ssim_diversity' is for images, and these observations have shape {shape}; "
                "'embedding_diversity' takes any"
            )
        if shape[0] != 1:
            raise DataError(
                f"metric 'ssim_diversity' is for grey images, and these have shape {shape}; "
                "'-s data.channels=1' makes colours grey"
            )
        if min(shape[1:]) < smallest_ssim_side(self.params.variant):
            raise DataError(
                f"metric 'ssim_diversity' has windows larger than images of {shape[1]}x{shape[2]}; "
                "'-s metric.variant=global' has none"
            )

    def measure(self, data: Dataset) -> Result:
        """Return ``diversity``, ``diversity_variance``, the interval's ends and the number of pairs."""
        part = drawn(part_of(data, self.params.part), self.params.n_samples, self.generator("images"))
        counts = draw(len(part), self.params.n_bootstrap, self.generator("bootstrap"))
        found = ssim_moments(part.x[:, 0], counts, self.params.variant)
        return Result(scalars=scalars(found, len(part), self.params))
