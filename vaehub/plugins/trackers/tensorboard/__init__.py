"""Losses, values and plots for TensorBoard, asked for by ``--tracker tensorboard:FOLDER``."""

from vaehub.registry import hookimpl


@hookimpl
def vaehub_tracker(where: str) -> object:
    """Return a tracker that writes into a folder."""
    from vaehub.plugins.trackers.tensorboard.tracker import TensorBoard

    return TensorBoard(where)
