"""Jobs on the workers of a Dask cluster."""

from collections.abc import Sequence

from vaehub.registry import Entry, Executor, hookimpl

HERE = "vaehub.plugins.executors.dask"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Executor(
            "dask",
            f"{HERE}.executor:Dask",
            "workers of a Dask scheduler, or of a cluster that your own code makes; of vaehub[dask]",
            params=f"{HERE}.params:DaskParams",
            source="Rocklin 2015",
        )
    ]
