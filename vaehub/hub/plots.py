"""Pictures of what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.hub.suggest_dim import Suggestion


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
    """Return the losses of a training over its epochs, one panel for each term, one line for each part."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for epoch in epochs for losses in epoch.values() for name in losses))
    figure = Figure(figsize=(3.4 * len(names), 3.0), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for part in dict.fromkeys(part for epoch in epochs for part in epoch):
            values = [epoch.get(part, {}).get(name, float("nan")) for epoch in epochs]
            axes.plot(range(1, len(values) + 1), values, label=part)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("nats per observation")
    figure.axes[-1].legend(frameon=False)
    figure.suptitle(title)
    return figure


def suggestion_picture(found: Suggestion) -> Figure:
    """Return what each method says of the number of latents: a dot for each seed, a line at their mean."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    answers = [(each, each.mean) for each in found.answers if each.mean is not None]
    figure = Figure(figsize=(7.0, 1.2 + 0.5 * max(1, len(answers))), layout="constrained")
    axes = figure.subplots()
    for row, (each, mean) in enumerate(answers):
        colour = "grey" if each.suggests.is_bound else "tab:blue"
        axes.plot(each.values, [row] * len(each.values), "o", color=colour, alpha=0.5, markeredgewidth=0)
        axes.plot([mean], [row], "|", color=colour, markersize=22, markeredgewidth=2)
    if found.latent_dim is not None:
        axes.axvline(found.latent_dim, color="tab:orange", linewidth=1, zorder=0)
    axes.set_yticks(range(len(answers)), [f"{each.method}\n{each.seconds:.0f} s" for each, _ in answers], fontsize=8)
    axes.set_ylim(max(1, len(answers)) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("latents, or dimensions of the data (grey)")
    advice = "no recommendation yet" if found.latent_dim is None else f"use {found.latent_dim} latents"
    axes.set_title(f"{found.data}: {advice}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
