"""The dimension of a dataset by scale (GRIDE)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, DatasetMetric, Needs, Result, Vector
from vaehub.plugins.intrinsic_dimension.kernels import gride_of, retained
from vaehub.plugins.intrinsic_dimension.neighbour_table import counts, neighbours_of
from vaehub.plugins.intrinsic_dimension.params import GrideParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class IntrinsicDimensionGride(DatasetMetric[GrideParams]):
    """The estimates of Denti et al. 2022 from neighbours 1 and 2, 2 and 4, 4 and 8, …: one number hides the scale."""

    @property
    def needs(self) -> Needs:
        """One observation more than neighbours of each, not all of them copies."""
        return Needs(observations=2 * self.params.orders[-1] + 1, distinct=True)

    def measure(self, data: Dataset) -> Result:
        """Return the stable estimate, and for each scale an estimate, its standard error, and the distance."""
        orders = self.params.orders
        x = self.draw_observations(data).data.x
        table = neighbours_of(self.name, self.params, x, 2 * orders[-1])
        found = [gride_of(table, order) for order in orders]
        kept = retained([each.dimension for each in found], self.params.tolerance)
        labels = [str(order) for order in orders]
        return Result(
            scalars={
                "dimension": kept.estimate,
                "retained_order": orders[kept.position],
                "n_stable": kept.n_stable,
                **counts(table),
            },
            vectors={
                "gride": Vector([each.dimension for each in found], "order", labels),
                "gride_error": Vector([each.error for each in found], "order", labels),
                "gride_distance": Vector([each.distance for each in found], "order", labels),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return estimates by scale."""
        from vaehub.plugins.intrinsic_dimension.plots import by_scale

        return by_scale(result)
