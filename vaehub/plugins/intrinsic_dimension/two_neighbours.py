"""The dimension of a dataset from two nearest neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, DatasetMetric, Needs, Result
from vaehub.plugins.intrinsic_dimension.kernels import two_nn_line, two_nn_of
from vaehub.plugins.intrinsic_dimension.neighbour_table import counts, neighbours_of
from vaehub.plugins.intrinsic_dimension.params import TwoNnParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class IntrinsicDimensionTwoNn(DatasetMetric[TwoNnParams]):
    """The estimate of Facco et al. 2017, from the ratio of the distances to the second and the first neighbour."""

    needs = Needs(observations=3, distinct=True)

    def measure(self, data: Dataset) -> Result:
        """Return the estimate, and the points that the line is fitted to."""
        params = self.params
        table = neighbours_of(self.name, params, self.draw_observations(data).data.x, 2)
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
        from vaehub.plugins.intrinsic_dimension.plots import fitted_line

        return fitted_line(result)
