"""Jobs in the queue of a SLURM cluster."""

from collections.abc import Sequence

from vaehub.registry import Entry, Executor, hookimpl

HERE = "vaehub.plugins.executors.slurm"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Executor(
            "slurm",
            f"{HERE}.executor:Slurm",
            "job arrays of a SLURM cluster, which go on when the command has ended",
            params=f"{HERE}.params:SlurmParams",
            source="Yoo et al. 2003",
        )
    ]
