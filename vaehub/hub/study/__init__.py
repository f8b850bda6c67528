"""Studies: grids of recipes and metrics, carried out by many processes, with the reports made of the results."""

from vaehub.hub.study.study import Study

__all__ = ["Study"]
