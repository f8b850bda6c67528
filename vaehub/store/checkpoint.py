"""Checkpoints: the state of a training that has not ended, in one file that is replaced at once."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from vaehub.core.errors import NotRecorded, StoreError
from vaehub.store.failures import translated
from vaehub.store.files import read_state, write_state
from vaehub.training.loop import TrainingState

SECONDS_BETWEEN = 10.0
"""What a crash may cost; time alone decides, so that quick trainings never pay for a file."""


class FileCheckpoint:
    """A training's state in an HDF5 file.

    Args:
        path: The file.
        every: Seconds between two files; 10 if not given.
    """

    def __init__(self, path: Path, *, every: float | None = None) -> None:
        self.path = path
        self._every = SECONDS_BETWEEN if every is None else every
        self._last = time.monotonic()

    def load(self) -> TrainingState | None:
        """Return the last state kept, or ``None``.

        Raises:
            StoreError: If the file is damaged.
        """
        if not self.path.is_file():
            return None
        try:
            arrays, plain = read_state(self.path)
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise StoreError(
                f"checkpoint {self.path} is damaged ({error}); delete it to train from the start"
            ) from error
        return TrainingState({name: torch.from_numpy(array) for name, array in arrays.items()}, plain)

    @property
    def is_due(self) -> bool:
        """Whether the last state kept is no longer recent."""
        return time.monotonic() - self._last >= self._every

    def save(self, state: TrainingState) -> None:
        """Keep a state, unless the last one is recent.

        Raises:
            NotRecorded: If the file cannot be written: the training had begun.
        """
        if not self.is_due:
            return
        arrays = {name: value.detach().cpu().numpy() for name, value in state.tensors.items()}
        try:
            with translated(f"checkpoint {self.path}", "written"):
                write_state(self.path, arrays, state.plain)
        except StoreError as error:
            raise NotRecorded(f"the training stopped because {error}") from error
        self._last = time.monotonic()

    def discard(self) -> None:
        """Forget the state.

        Raises:
            StoreError: If the file cannot be deleted.
        """
        with translated(f"checkpoint {self.path}", "deleted"):
            self.path.unlink(missing_ok=True)
