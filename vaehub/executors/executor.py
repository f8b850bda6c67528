"""The contract of an executor: it hands jobs to an engine, and says which of them are still there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

from vaehub.core.params import P_co, Parametrised

SHARE_OF_THREADS = "VAEHUB_SHARE_OF_THREADS"
"""Variable by which an engine's worker is told that the number of its threads is a share of the machine.

``OMP_NUM_THREADS`` alone would be taken for the wish of a user, which holds for work of any size.
"""

Phase = Literal["queued", "running", "ended"]
PHASES: tuple[Phase, ...] = get_args(Phase)


@dataclass(frozen=True)
class Job:
    """The unit of work of an engine: one training with all that is measured of it.

    Attributes:
        id: The same for the same work.
        text: All that a worker must know, as canonical JSON.
        work: Does the job on a worker, from its text; a function of a module, so that its name can be sent. What it
            makes is recorded by itself, and to do a job again harms nothing. Raises :class:`vaehub.VaehubError` where
            the worker cannot do such jobs.
        file: Where the text is, in the folder of the store; ``vaehub study work FILE…`` does such jobs.
    """

    id: str
    text: str
    work: Callable[[str], bytes]
    file: Path


@dataclass(frozen=True)
class JobState:
    """The state of a job, as the engine says it.

    Attributes:
        phase: Whether it waits, runs, or is over, however it ended.
        reason: If it is over: why the job was not done, where the engine knows.
        answer: If it is over: what ``work`` returned, where the engine brings it back.
    """

    phase: Phase
    reason: str = ""
    answer: bytes = b""

    def __post_init__(self) -> None:
        """Refuse a phase that there is not, with which nobody would know whether to wait.

        Raises:
            ValueError: If so.
        """
        if self.phase not in PHASES:
            raise ValueError(f"the phase of a job is one of {', '.join(PHASES)}, got {self.phase!r}")


class Executor(Parametrised[P_co], ABC):
    """Has an engine do jobs; a plugin declares it in its manifest as :class:`vaehub.registry.Executor`.

    The type argument is the class of the parameters, which users set as ``executor.NAME``. When jobs run, how often one
    is tried, and what it may take is for the engine to decide; nothing of vaehub schedules. Jobs may outlive the
    executor: another one, of the same parameters and folder, is asked for their states then.

    Args:
        params: Validated parameters.
        folder: For notes and logs, in the folder of the store; not made yet.

    Attributes:
        interval: Seconds between two questions for states; a second or more where each is a burden to a server.
        outlives: Whether jobs go on when the command that submitted them has ended.
        shares_disk: Whether workers see the folder of the store. Where they do not, ``work`` returns all that a job
            has made, which belongs into ``JobState.answer``.
    """

    interval: ClassVar[float] = 0.2
    outlives: ClassVar[bool] = False

    def __init__(self, params: P_co, folder: Path) -> None:
        self.params = params
        self.folder = folder

    @property
    def shares_disk(self) -> bool:
        """Whether workers see the folder of the store."""
        return True

    def check(self, probe: Job) -> None:
        """Refuse what cannot work, before anything is submitted; within seconds, by what the engine says at once.

        Args:
            probe: A job that makes nothing, and raises where a worker has another version or does not see the store.

        Raises:
            VaehubError: If no job could be done; says which setting would work.
        """

    @abstractmethod
    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs to the engine: all of them, or none.

        Raises:
            VaehubError: If the engine refuses them.
        """

    @abstractmethod
    def states(self, jobs: Collection[str]) -> Mapping[str, JobState]:
        """Return the states of those jobs, by id, of which the engine still knows.

        Raises:
            VaehubError: If the engine does not answer.
        """

    def cancel(self, jobs: Collection[str]) -> None:
        """Take jobs back that have not ended; what they have made stays, and unknown ones are passed over."""

    def close(self) -> None:
        """Let the engine go, when the command ends; jobs that cannot outlive it are cancelled."""
