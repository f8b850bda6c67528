"""The layout of a figure with a single plot, found by measuring it once: the general one measures all twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.layout_engine import ConstrainedLayoutEngine, LayoutEngine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN = 0.04167
"""Inches around a plot and its labels, as matplotlib's constrained layout leaves."""


class OnePass(LayoutEngine):
    """Gives the one plot of a figure the room that its labels leave."""

    _adjust_compatible = True
    _colorbar_gridspec = True

    def execute(self, fig: Figure) -> None:
        """Place the plot."""
        [axes] = fig.axes
        inner, whole = axes.get_window_extent(), axes.get_tightbbox(for_layout_only=True)
        width, height = fig.bbox.width, fig.bbox.height
        margin = MARGIN * fig.dpi
        if whole is not None:
            fig.subplots_adjust(
                left=(inner.x0 - whole.x0 + margin) / width,
                right=1 - (whole.x1 - inner.x1 + margin) / width,
                bottom=(inner.y0 - whole.y0 + margin) / height,
                top=1 - (whole.y1 - inner.y1 + margin) / height,
            )


def lay_out_in_one_pass(figure: Figure) -> None:
    """Have a figure laid out so, if it has one plot that fills it, and nothing beside it."""
    is_plain = type(figure.get_layout_engine()) is ConstrainedLayoutEngine and len(figure.axes) == 1
    others = (*figure.legends, *figure.subfigs, *figure.texts, *figure.images)
    if is_plain and not others and figure.axes[0].get_aspect() == "auto" and not figure.axes[0].child_axes:
        figure.set_layout_engine(OnePass())
