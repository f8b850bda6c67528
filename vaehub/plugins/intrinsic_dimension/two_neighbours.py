"""The dimension of a dataset from two nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, DatasetMetric, Result
from vaehub.plugins.intrinsic_dimension.drawing import check_different, check_enough, counts, drawn, neighbours_of
from vaehub.plugins.intrinsic_dimension.kernels import two_nn_line, two_nn_of
from vaehub.plugins.intrinsic_dimension.params import TwoNnParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "intrinsic_dimension_twonn"


@final
class IntrinsicDimensionTwoNn(DatasetMetric):
    """The estimate of Facco et al. 2017, from the ratio of the distances to the second and the first neighbour."""

    Params = TwoNnParams
    params: TwoNnParams

    def check(self, data: Dataset) -> None:
        """Refuse too few observations, and copies of one."""
        check_enough(NAME, self.params, data, 2)
        check_different(NAME, self.params, data)

    def measure(self, data: Dataset) -> Result:
        """Return the estimate, and the points that it is the slope of."""
        params = self.params
        _, part = drawn(data, params, self.generator("rows"))
        table = neighbours_of(NAME, params, part.x, 2)
        log_ratio, height = two_nn_line(table, params.discard, params.cdf)
        return Result(
            scalars={
                "dimension": two_nn_of(table, params.discard, params.cdf, params.fit),
                "n_kept": len(height),
                **counts(table),
            },
            arrays={"log_ratio": log_ratio, "minus_log_survival": height},
        )

    def plot(self, result: Result) -> Figure:
        """Return the points and the line through them."""
        from vaehub.plugins.intrinsic_dimension.pictures import fitted_line

        return fitted_line(result)
