"""Pictures of what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.core.errors import VaehubError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
