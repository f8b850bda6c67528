"""Several records in one picture: losses of trainings, or what one metric measured, by setting and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaehub.analysis import PALETTE, frame, label_columns, label_lines, new_figure, plot_style
from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json
from vaehub.hub.dot_rows import ACROSS, MOST_PANELS, Row, RowPanel, in_words, rows_figure
from vaehub.hub.plots import require_matplotlib
from vaehub.hub.setting_labels import flat, metric_settings, setting_label, varied
from vaehub.hub.spread import deviation, mean
from vaehub.hub.views import Measurement, Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

DIRECT = 4
"""Groups up to which a name stands at the end of its line, in place of a legend."""


@dataclass(frozen=True)
class Line:
    """One record in one panel.

    Attributes:
        group: What its settings are, but for its seeds; lines of one group have one colour.
        x: Shape ``(n,)``.
        y: Shape ``(n,)``.
    """

    group: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True)
class LinePanel:
    """Lines over the same axes.

    Attributes:
        title: What is measured.
        across: What x is.
        up: The unit of y, if it has one.
        lines: One for each record.
        labels: Names of the places on x, if they have any.
    """

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    labels: Sequence[str] | None = None


def overlay(shown: Sequence[Training | Measurement]) -> Figure:
    """Return several records in one picture; a colour for each setting, a line for each seed, and their mean.

    Losses of trainings have a panel for each term. Measurements of one metric have a panel for each vector, with a line
    for each; or where there is no vector, for each single number, with a row for each setting. Latents are in the order
    of their values, since the place of a latent means nothing in another training.

    Raises:
        VaehubError: If they cannot be compared, or one of them has nothing to show; or matplotlib is missing.
    """
    require_matplotlib()
    trainings = [each for each in shown if isinstance(each, Training)]
    measurements = [each for each in shown if isinstance(each, Measurement)]
    if trainings and measurements:
        raise VaehubError(
            "trainings and measurements have no axis in common; name trainings, or measurements of one metric"
        )
    if trainings:
        return _lines(_losses(trainings), "losses")
    metric, groups = _comparable(measurements)
    units = {name: unit for each in measurements for name, unit in each.record.units.items()}
    first = measurements[0].result
    vectors = [name for name in first.vectors if all(name in each.result.vectors for each in measurements)]
    if vectors:
        return _lines([_vectors(name, units, groups, measurements) for name in vectors], metric)
    panels = _numbers(measurements, groups, units)
    with plot_style():
        return rows_figure(panels, f"{metric}: {_counted(len(shown), len(set(groups)))}")


def _losses(shown: Sequence[Training]) -> list[LinePanel]:
    for each in shown:
        if not each.epochs:
            raise VaehubError(
                f"training {each.record.id[:8]} ended before its first epoch, so there is nothing to draw of it"
            )
    groups = _groups([flat(each.record.recipe) for each in shown])
    # The split that tells most of all those that every training has: what was not learned from.
    splits = set.intersection(*(set(each.epochs[-1]) for each in shown))
    split = "validation" if "validation" in splits else "train"
    names = [name for name in shown[0].epochs[-1][split] if all(name in each.epochs[-1][split] for each in shown)]
    found = []
    for name in names:
        lines = []
        for group, each in zip(groups, shown, strict=True):
            y = np.array([epoch.get(split, {}).get(name, np.nan) for epoch in each.epochs])
            lines.append(Line(group, np.arange(1.0, len(y) + 1), y))
        found.append(LinePanel(f"{name}, {split}", "epoch", "nats per observation", lines))
    return found


def _comparable(shown: Sequence[Measurement]) -> tuple[str, list[str]]:
    """Return the metric that all have, and the settings of each."""
    metrics = list(dict.fromkeys(each.record.metric for each in shown))
    if len(metrics) > 1:
        raise VaehubError(
            f"{' and '.join(map(repr, metrics[:2]))} measure different things; name measurements of one metric"
        )
    for each in shown:
        if each.record.status == "failed":
            raise VaehubError(
                f"measurement {each.id[:8]} failed ({each.record.error}), so there is nothing to draw of it"
            )
    return metrics[0], _groups([_settings(each) for each in shown])


def _numbers(shown: Sequence[Measurement], groups: Sequence[str], units: Mapping[str, str]) -> list[RowPanel]:
    """Return a panel for each number that all have, with a row for each setting."""
    names = [
        name
        for name in shown[0].result.scalars
        if name != "n_samples" and all(name in each.result.scalars for each in shown)
    ]
    panels = []
    for name in names:
        by_group: dict[str, dict[str, list[float]]] = {}
        for group, each in zip(groups, shown, strict=True):
            # A training, or a pair, that was measured with several seeds counts once.
            measured = f"{each.record.training or each.id} {each.record.other}"
            by_group.setdefault(group, {}).setdefault(measured, []).append(each.result.scalars[name])
        rows = [_row(group, [mean(same) for same in numbers.values()]) for group, numbers in by_group.items()]
        panels.append(RowPanel(name, units.get(name, ""), rows))
    if not any(each.is_finite for each in panels):
        raise VaehubError(
            f"these measurements of metric {shown[0].record.metric!r} have no finite number and no vector in common "
            "that one picture could show; name one of them"
        )
    return panels


def _row(group: str, numbers: Sequence[float]) -> Row:
    value, sd = mean(numbers), deviation(numbers)
    spread = f" ± {sd:.2g}" if sd is not None and np.isfinite(sd) else ""
    return Row(group, value, dots=numbers if len(numbers) > 1 else (), text=in_words(value) + spread)


def _vectors(name: str, units: Mapping[str, str], groups: Sequence[str], shown: Sequence[Measurement]) -> LinePanel:
    vectors = [each.result.vectors[name] for each in shown]
    indices = list(dict.fromkeys(each.index for each in vectors))
    if len(indices) > 1:
        raise VaehubError(f"{name!r} is by {indices[0]} in one of these measurements and by {indices[1]} in another")
    is_latent = indices == ["latent"]
    labels = {each.labels for each in vectors}
    if len(labels) > 1 and not is_latent:
        raise VaehubError(
            f"{name!r} is of other {indices[0]}s in one of these measurements than in another; name measurements whose "
            f"{indices[0]}s are the same"
        )
    values = [-np.sort(-each.values) if is_latent else each.values for each in vectors]
    lines = [Line(group, np.arange(float(len(each))), each) for group, each in zip(groups, values, strict=True)]
    across = "latents, the greatest first" if is_latent else indices[0]
    return LinePanel(name, across, units.get(name, ""), lines, None if is_latent else vectors[0].labels)


def _groups(settings: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return in what each differs from the others, but for its seeds."""
    names = [name for name in ("model", "network", "dataset") if len({each.get(name) for each in settings}) > 1]
    others = varied(settings)
    return [
        ", ".join(filter(None, [*(str(each.get(name, "")) for name in names), setting_label(each, others)]))
        for each in settings
    ]


def _settings(shown: Measurement) -> dict[str, Json]:
    own = {f"metric.{name}": value for name, value in metric_settings(shown.record.request).items()}
    if shown.record.other is not None:
        own["with"] = shown.record.other[:8]
    if shown.training is not None:
        return flat(shown.training.recipe) | own
    recipe = shown.record.subject.get("recipe")
    if isinstance(recipe, Mapping):
        return flat(recipe) | own
    data = shown.record.subject.get("dataset")
    return (flat({"dataset": data}) if isinstance(data, Mapping) else {}) | own


def _lines(panels: Sequence[LinePanel], title: str) -> Figure:
    left = f", the first {MOST_PANELS} of {len(panels)} values" if len(panels) > MOST_PANELS else ""
    with plot_style():
        return _drawn(panels[:MOST_PANELS], title, left)


def _drawn(panels: Sequence[LinePanel], title: str, left: str) -> Figure:
    groups = list(dict.fromkeys(line.group for panel in panels for line in panel.lines))
    colours = {group: PALETTE[at % len(PALETTE)] for at, group in enumerate(groups)}
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    figure = new_figure(max(5.0, 3.8 * across), 3.0 * down + 0.4)
    every = figure.subplots(down, across, squeeze=False).flatten()
    for axes in every[len(panels) :]:
        axes.remove()
    for panel, axes in zip(panels, every, strict=False):
        _draw_panel(axes, panel, colours)
    if len(groups) > 1 and not all(panel.labels == groups for panel in panels):
        if len(groups) <= DIRECT:
            label_lines(every[across - 1], _means(every[across - 1], groups))
        else:
            figure.legend(handles=_means(every[0], groups), loc="outside lower center", ncols=min(3, len(groups)))
    n = max(len(panel.lines) for panel in panels)
    figure.suptitle(f"{title}: {_counted(n, len(groups))}{left}", fontsize=10)
    return figure


def _counted(n: int, n_groups: int) -> str:
    return f"{n} records" + ("; thick: mean over seeds" if n > n_groups else "")


def _means(axes: Axes, groups: Sequence[str]) -> list[Line2D]:
    return [line for group in groups for line in axes.lines if line.get_label() == group]


def _draw_panel(axes: Axes, panel: LinePanel, colours: Mapping[str, str]) -> None:
    from matplotlib.ticker import MaxNLocator

    for group, colour in colours.items():
        own = [line for line in panel.lines if line.group == group]
        marker = "o" if max(len(line.x) for line in own) <= MOST_PANELS else ""
        if len(own) > 1:
            for line in own:
                axes.plot(line.x, line.y, color=colour, linewidth=0.6, alpha=0.5, marker=marker, markersize=3)
        n = min(len(line.x) for line in own)
        axes.plot(own[0].x[:n], np.mean([line.y[:n] for line in own], axis=0), color=colour, label=group, marker=marker)
    if panel.labels is not None:
        label_columns(axes, panel.labels)
        axes.set_xlim(-0.5, len(panel.labels) - 0.5)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(panel.title)
    axes.set(xlabel=panel.across, ylabel=panel.up)
    frame(axes)
