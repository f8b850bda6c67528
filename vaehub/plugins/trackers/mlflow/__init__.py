"""Losses, values and plots for MLflow, asked for by ``--tracker mlflow:PLACE``."""

from vaehub.registry import hookimpl


@hookimpl
def vaehub_tracker(where: str) -> object:
    """Return a tracker that sends to a server, or writes into a database or a folder."""
    from vaehub.plugins.trackers.mlflow.tracker import MLflow

    return MLflow(where)
