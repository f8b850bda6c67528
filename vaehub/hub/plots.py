"""Plots of stored trainings, measurements and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.analysis import PALETTE, frame, label_lines, new_figure, plot_style
from vaehub.core.errors import VaehubError, WorkFailed, first_line
from vaehub.hub.display.figures import show_figures
from vaehub.hub.value_plot import value_plot
from vaehub.registry.places import package_of, place_of_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.core.metric import Metric
    from vaehub.core.result import Result
    from vaehub.hub.compare import Comparison
    from vaehub.hub.suggest_dim import Suggestion
    from vaehub.hub.views import FindMetric, Measurement, Training
    from vaehub.store.records import MeasurementRecord


def training_plot(shown: Training) -> Figure:
    """Return the loss curves of a training.

    Raises:
        VaehubError: If it has no epoch, or matplotlib is missing.
    """
    require_matplotlib()
    if not shown.epochs:
        raise VaehubError(f"training {shown.id[:8]} ended before its first epoch, so there is no picture")
    with plot_style():
        figure = loss_curves(shown.epochs, f"{shown.name_of('model')}, training {shown.id[:8]}")
    show_figures()
    return figure


def measurement_plot(shown: Measurement) -> Figure:
    """Return the plot of a measurement: that of its metric, or its values where the metric draws none.

    Raises:
        VaehubError: If it failed, there is nothing to draw, or matplotlib is missing.
    """
    figure = metric_plot(shown)
    if figure is None:
        with plot_style():
            figure = value_plot(shown.result, shown.record.units, shown.record.metric)
    if figure is None:
        raise VaehubError(
            f"measurement {shown.id[:8]} of metric {shown.record.metric!r} has no finite value that a picture could "
            f"show; 'vaehub show {shown.id[:8]}' prints all that it has"
        )
    return figure


def metric_plot(shown: Measurement) -> Figure | None:
    """Return the plot that the metric of a measurement draws, or ``None`` if it draws none.

    Raises:
        VaehubError: If it failed, its values are not those that the plot shows, or matplotlib is missing.
        WorkFailed: If the plot raises anything else.
    """
    require_matplotlib()
    record = shown.record
    if record.status == "failed":
        raise VaehubError(f"measurement {record.id[:8]} failed ({record.error}), so there is no picture")
    figure = _drawn(record, shown.find_metric, shown.result)
    show_figures()
    return figure


def comparison_plot(found: Comparison) -> Figure:
    """Return the plot of a comparison, as its metric draws it or of its values; errors as :func:`measurement_plot`."""
    require_matplotlib()
    first = found.measurements[0]
    figure = _drawn(first.record, first.find_metric, found.result)
    if figure is None:
        with plot_style():
            figure = value_plot(found.result, first.record.units, found.metric)
    if figure is None:
        raise VaehubError(
            f"no value of metric {found.metric!r} is finite in this comparison, so there is nothing to draw"
        )
    show_figures()
    return figure


def _drawn(record: MeasurementRecord, find: FindMetric | None, result: Result) -> Figure | None:
    metric = _metric(record, find)
    try:
        with plot_style():
            return metric.plot(result)
    except (VaehubError, KeyboardInterrupt):
        raise
    # A stranger's plot runs here, and what it raises need be no Exception.
    except BaseException as error:
        if isinstance(error, KeyError) and error.args and error.args[0] not in _names(result):
            raise VaehubError(
                f"measurement {record.id[:8]} has no value {error}, which the picture shows; another revision of "
                f"metric {record.metric!r} may have stored it: measure again"
            ) from error
        place = place_of_error(error, [package_of(type(metric).__module__)])
        why = f"{type(error).__name__}: {first_line(error)}{place}"
        raise WorkFailed(f"the plot of metric {record.metric!r} failed: {why}") from error


def _names(result: Result) -> set[str]:
    """Return the names of all that was measured."""
    parts = (result.scalars, result.vectors, result.tables, result.arrays, result.signatures)
    return {name for part in parts for name in part}


def _metric(record: MeasurementRecord, find: FindMetric | None) -> Metric:
    if find is None:
        raise VaehubError(
            f"measurement {record.id[:8]} was pickled, which left the way to its metric behind; 'hub.plot(it)' draws it"
        )
    return find(record)


def require_matplotlib() -> None:
    """Say how to get matplotlib, if it is missing.

    Raises:
        VaehubError: If it is.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise VaehubError("pictures need matplotlib: pip install 'vaehub[plot]'") from error


def loss_curves(epochs: Sequence[Mapping[str, Mapping[str, float]]], title: str) -> Figure:
    """Return the loss curves of a training: a panel for each term, a line for each split."""
    names = list(dict.fromkeys(name for epoch in epochs for losses in epoch.values() for name in losses))
    figure = new_figure(3.4 * len(names), 3.0)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for split in dict.fromkeys(split for epoch in epochs for split in epoch):
            values = [epoch.get(split, {}).get(name, float("nan")) for epoch in epochs]
            axes.plot(range(1, len(values) + 1), values, label=split)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        frame(axes)
    figure.axes[0].set_ylabel("nats per observation")
    if len(figure.axes[-1].lines) > 1:
        label_lines(figure.axes[-1], figure.axes[-1].lines)
    figure.suptitle(title)
    return figure


def suggestion_plot(found: Suggestion) -> Figure:
    """Return the number of latents that each method suggests: a dot for each seed, a line at their mean.

    Raises:
        VaehubError: If matplotlib is missing.
    """
    require_matplotlib()
    with plot_style():
        figure = _suggestion(found)
    show_figures()
    return figure


def _suggestion(found: Suggestion) -> Figure:
    from matplotlib.ticker import MaxNLocator

    answers = [(each, each.mean) for each in found.answers if each.mean is not None]
    figure = new_figure(7.0, 1.2 + 0.5 * max(1, len(answers)))
    axes = figure.subplots()
    for row, (each, mean) in enumerate(answers):
        colour = "0.6" if each.suggests.is_bound else PALETTE[0]
        axes.plot(each.values, [row] * len(each.values), "o", color=colour, alpha=0.5, markeredgewidth=0)
        axes.plot([mean], [row], "|", color=colour, markersize=22, markeredgewidth=2)
    if found.latent_dim is not None:
        axes.axvline(found.latent_dim, color=PALETTE[3], linewidth=1, zorder=0)
    axes.set_yticks(range(len(answers)), [f"{each.method}\n{each.seconds:.0f} s" for each, _ in answers], fontsize=8)
    axes.set_ylim(max(1, len(answers)) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("latents, or dimensions of the data (grey)")
    advice = "no recommendation yet" if found.latent_dim is None else f"use {found.latent_dim} latents"
    axes.set_title(f"{found.data}: {advice}", fontsize=10)
    frame(axes)
    return figure
