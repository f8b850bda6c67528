"""The façade: train, measure, run, ask."""

from vaehub.hub.hub import Hub

__all__ = ["Hub"]
