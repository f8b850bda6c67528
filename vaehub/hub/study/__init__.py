"""Studies: grids of recipes and metrics, run by worker processes, and the reports made of their results."""

from vaehub.hub.study.study import Study

__all__ = ["Study"]
