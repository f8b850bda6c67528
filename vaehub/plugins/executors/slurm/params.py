"""Parameters of SLURM: what a task of an array may take. SLURM itself says what it does not accept."""

import datetime

from pydantic import field_validator

from vaehub import Field, Params


class SlurmParams(Params):
    """What is asked of SLURM for each task of a job array."""

    partition: str | None = Field(None, description="partition, that of the cluster if not given")
    time: str | None = Field(None, description="time limit of a task, such as 30 (minutes) or 2:00:00")
    cpus: int = Field(1, gt=0, description="cores of a task, and its number of threads")
    memory: str | None = Field(None, description="memory of a task, such as 4G")
    gpus: int = Field(0, ge=0, description="GPUs of a task")
    jobs_per_task: int = Field(
        1, gt=0, description="jobs that a task does one after the other; several if they are short"
    )
    at_once: int | None = Field(None, gt=0, description="tasks of an array that run at the same time, at most")
    setup: list[str] = Field(
        [], description="lines of shell before the work, such as ['module load cuda', 'source env/bin/activate']"
    )
    python: str | None = Field(None, description="Python with vaehub on the nodes; that of the command if not given")
    options: list[str] = Field([], description="further options of sbatch, such as ['--account=mine']")

    @field_validator("partition", "time", "memory", mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        """Take what the command line reads as a number or a time of day for the text that it was."""
        return str(value) if isinstance(value, int | datetime.time) and not isinstance(value, bool) else value
