"""Finding plugins. A manifest imports from here and nowhere else; this loads nothing heavy."""

from vaehub.registry.entries import (
    Dataset,
    Entry,
    Executor,
    Features,
    Metric,
    Model,
    Network,
    Published,
    Study,
    Suggests,
)
from vaehub.registry.hooks import hookimpl

__all__ = [
    "Dataset",
    "Entry",
    "Executor",
    "Features",
    "Metric",
    "Model",
    "Network",
    "Published",
    "Study",
    "Suggests",
    "hookimpl",
]
