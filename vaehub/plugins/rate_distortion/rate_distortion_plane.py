"""Runs on the plane of rate and distortion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from vaehub import Columns, Result, Table, TableMetric, VaehubError
from vaehub.analysis import check_columns, table_keys
from vaehub.plugins.rate_distortion.params import RateDistortionPlaneParams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_NAMED = 12
"""Labels that a legend names; more numbers than this are shown by a scale of colours."""

N_COLOURS = 10
"""Colours of labels that are text; then they come again."""


@final
class RateDistortionPlane(TableMetric[RateDistortionPlaneParams]):
    """Which runs are on the frontier, and which only trade rate for distortion: Alemi et al. 2018, Figure 3."""

    def check(self, rows: Columns) -> None:
        """Refuse columns that are missing or hold no numbers, and rows without a value of both."""
        rate, distortion, label = self.params.rate, self.params.distortion, self.params.label
        asked = [rate, distortion, *([] if label in (None, rate, distortion) else [label])]
        check_columns(self.name, rows, asked, [rate, distortion])
        if not self._known(rows).any():
            raise VaehubError(
                f"metric {self.name!r} needs a row with a finite value of both {rate!r} and {distortion!r}, "
                f"and none of {len(rows[rate])} rows has one"
            )

    def measure(self, rows: Columns) -> Result:
        """Return rate, distortion and bound of each run; rows without one of them are left out and counted."""
        known = self._known(rows)
        rate, distortion = (rows[name][known].astype(np.float64) for name in (self.params.rate, self.params.distortion))
        keys: dict[str, Any] = {"run": np.flatnonzero(known).tolist()}
        if self.params.label is not None:
            keys["label"] = table_keys(rows[self.params.label][known])
        elbo = -(rate + distortion)
        return Result(
            scalars={"n": len(rate), "n_left_out": int((~known).sum()), "best_elbo": elbo.max()},
            tables={"plane": Table(keys, {"rate": rate, "distortion": distortion, "elbo": elbo})},
        )

    def _known(self, rows: Columns) -> NDArray[np.bool_]:
        rate, distortion = (rows[name].astype(np.float64) for name in (self.params.rate, self.params.distortion))
        known: NDArray[np.bool_] = np.isfinite(rate) & np.isfinite(distortion)
        return known

    def plot(self, result: Result) -> Figure:
        """Return one point for each run, coloured by label, with the line of the best bound."""
        from vaehub.plugins.rate_distortion.plots import plane

        table = result.tables["plane"]
        rate, distortion = table.columns["rate"], table.columns["distortion"]
        figure, axes = plane(rate, distortion)
        labels = table.keys.get("label", ())
        distinct = sorted(set(labels), key=lambda label: (isinstance(label, str), label))
        is_text = any(isinstance(label, str) for label in distinct)
        if not labels:
            axes.scatter(rate, distortion, s=30, alpha=0.8)
        elif len(distinct) > N_NAMED and not is_text:
            shown = axes.scatter(rate, distortion, s=30, alpha=0.8, c=[float(label) for label in labels])
            figure.colorbar(shown, label=self.params.label or "")
        else:
            _draw_named(axes, rate, distortion, labels, distinct)
        axes.legend(title=self.params.label, frameon=False, fontsize=8, title_fontsize=8)
        return figure


def _draw_named(
    axes: Axes,
    rate: NDArray[np.float64],
    distortion: NDArray[np.float64],
    labels: tuple[str | int | float, ...],
    distinct: list[str | int | float],
) -> None:
    from matplotlib import colormaps

    if any(isinstance(label, str) for label in distinct):
        colours = colormaps["tab10"](np.arange(len(distinct)) % N_COLOURS)
    else:
        colours = colormaps["viridis"](np.linspace(0, 0.92, len(distinct)))
    for label, colour in zip(distinct, colours, strict=True):
        chosen = np.array([each == label for each in labels])
        name = label if isinstance(label, str) else f"{label:g}"
        axes.scatter(rate[chosen], distortion[chosen], s=30, alpha=0.8, color=colour, label=name)
