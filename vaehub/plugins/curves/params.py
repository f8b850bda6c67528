"""Parameters of curves. Loads no torch."""

from typing import Literal

from vaehub import Field, Params

Spread = Literal["sd", "se", "range", "quantiles", "none"]
Centre = Literal["mean", "median"]
Scaled = Literal["x", "y", "below"]


class CurvesParams(Params):
    """What the columns of a query are, and how they are drawn. The column of the horizontal axis has no default."""

    x: str = Field(description="column of the horizontal axis: numbers, or text where there are categories")
    y: tuple[str, ...] = Field((), description="columns drawn as lines")
    below: tuple[str, ...] = Field((), description="columns drawn as lines in a strip below, on a scale of their own")
    bars: tuple[str, ...] = Field((), description="columns drawn as bars")
    group: str | None = Field(
        None, description="column with a line for each of its values; with a bar for each, if there are no lines"
    )
    panel: str | None = Field(None, description="column with a panel for each of its values")
    run: str | None = Field(
        None,
        description="column that identifies runs: rows of one run at one place are averaged before runs are, so that "
        "spread and number are those of runs; every row is a run if not given",
    )
    verticals: tuple[str, ...] = Field(
        (), description="columns of places on the horizontal axis, drawn as a vertical line at their centre"
    )
    verticals_at: dict[str, float] = Field({}, description="more vertical lines: places by label")
    horizontals_at: dict[str, float] = Field({}, description="horizontal lines across the lines of y: values by label")
    references: dict[str, str] = Field(
        {}, description="columns of published values, by the column beside whose values they are drawn"
    )
    centre: Centre = Field("mean", description="of the runs at one place")
    spread: Spread = Field(
        "sd",
        description="over the runs at one place: standard deviation, standard error, least to greatest, quantiles",
    )
    coverage: float = Field(0.5, gt=0, lt=1, description="share of the runs between the quantiles, if they are drawn")
    spread_as: Literal["band", "errorbars"] = Field("band", description="how the spread of lines is drawn")
    categories: bool = Field(
        False, description="places side by side in the order of the rows, whatever x is; text needs it under lines"
    )
    log: tuple[Scaled, ...] = Field((), description="axes with a logarithmic scale: x, y, below")
    stacked: bool = Field(False, description="bars on top of each other instead of side by side")
    behind: bool = Field(False, description="bars behind the lines, on an axis to the right, not in a strip below")
    share_y: bool = Field(False, description="one vertical scale for all panels")
    labels: dict[str, str] = Field({}, description="words with units in the place of column names, by column")
    y_label: str = Field("", description="words for the axis of y; those of its column, if it is one")
    below_label: str = Field("", description="words for the axis of the strip below; those of its column, if it is one")
    bars_label: str = Field("", description="words for the axis of bars; those of its column, if it is one")
    title: str = Field("", description="words above the picture")
