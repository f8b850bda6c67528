"""Event files for TensorBoard: a folder for each training, with what was measured of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from vaehub import Result
from vaehub.registry import hookimpl
from vaehub.registry.run_names import metric_name, require, run_name, settings, values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 5
"""After which losses are on the disk, for TensorBoard to show."""


@final
class TensorBoard:
    """Writes what it hears into a folder.

    Args:
        where: The folder.

    Raises:
        VaehubError: If TensorBoard is not installed.
    """

    def __init__(self, where: str) -> None:
        require("tensorboard", "tensorboard")
        self._folder = Path(where)
        self._open: dict[str, Any] = {}

    @hookimpl
    def vaehub_training_started(self, training_id: str, recipe: Mapping[str, Any]) -> None:
        """Begin the run of a training with its recipe."""
        writer = self._open[training_id] = self._writer(run_name(training_id, recipe))
        _write_recipe(writer, recipe)

    @hookimpl
    def vaehub_epoch_ended(self, training_id: str, epoch: int, losses: Mapping[str, Mapping[str, float]]) -> None:
        """Write the losses of an epoch, the first being 1."""
        for split, terms in losses.items():
            for name, value in terms.items():
                self._open[training_id].add_scalar(f"loss/{name}/{split}", value, epoch + 1)

    @hookimpl
    def vaehub_trained(
        self, training_id: str, status: str, seconds: float, recipe: Mapping[str, Any], error: str | None
    ) -> None:
        """End the run of a training; a model on the way has had none yet."""
        writer = self._open.pop(training_id, None)
        if writer is None:
            writer = self._writer(run_name(training_id, recipe))
            _write_recipe(writer, recipe)
        with writer:
            writer.add_text("status", status if error is None else f"{status}: {error}")
            writer.add_scalar("seconds", seconds)

    @hookimpl
    def vaehub_measured(
        self,
        measurement_id: str,
        metric: str,
        result: Result,
        params: Mapping[str, Any],
        subject: Mapping[str, object],
        trainings: Mapping[str, Mapping[str, Any]],
        plot: Callable[[], Figure | None],
    ) -> None:
        """Write values and plot into the run of the training; of anything but one training, into a run of its own."""
        name = metric_name(metric, params)
        run = run_name(*next(iter(trainings.items()))) if len(trainings) == 1 else f"{metric}-{measurement_id[:8]}"
        with self._writer(run) as writer:
            writer.add_text(f"{name}/measurement", _as_code({"id": measurement_id, "params": params, "of": subject}))
            for value, index, number in values(result):
                writer.add_scalar(f"{name}/{value}", number, index)
            figure = plot()
            if figure is not None:
                writer.add_figure(name, figure)

    def _writer(self, run: str) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self._folder / run), flush_secs=SECONDS)


def _write_recipe(writer: Any, recipe: Mapping[str, Any]) -> None:
    from torch.utils.tensorboard.summary import hparams

    writer.add_text("recipe", _as_code(recipe))
    # The writer's own method would put these into a run beside this one.
    for summary in hparams(settings(recipe), {}):  # type: ignore[no-untyped-call]
        writer.file_writer.add_summary(summary)
    writer.flush()


def _as_code(value: object) -> str:
    """Return plain values as a block of Markdown, which TensorBoard shows."""
    text = json.dumps(value, indent=2, sort_keys=True)
    return "\n".join(f"    {line}" for line in text.splitlines())
