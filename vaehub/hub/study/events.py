"""Events of a study that plugins receive: it begins, and has ended, once each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vaehub.core.identity import identity
from vaehub.hub.listeners import tell

if TYPE_CHECKING:
    from types import TracebackType

    from vaehub.hub.study.definition import Scaled
    from vaehub.hub.study.grid import Cell
    from vaehub.hub.study.state import StudyState
    from vaehub.registry.catalog import Catalog


class StudyEvents:
    """Tells of one run of a study; as a context, of an error that ends it.

    Args:
        catalog: Its plugins receive the events.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._study: dict[str, object] | None = None
        self._clock = 0.0

    def __enter__(self) -> StudyEvents:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._end("stopped")
        elif error is not None:
            self._end("failed", error=self._catalog.reason(error))

    def started(self, scaled: Scaled, cells: Sequence[Cell]) -> None:
        """Tell that work on a study begins."""
        trainings = {recipe.id: None for cell in cells for recipe in cell.request.subject.trainings}
        measurements = sorted({cell.request.id for cell in cells})
        self._clock = time.perf_counter()
        self._study = {
            "study_id": identity([scaled.study, scaled.scale, measurements]),
            "study": scaled.study,
            "scale": scaled.scale,
            "trainings": list(trainings),
        }
        tell(
            self._catalog.manager,
            "study_started",
            **self._study,
            definition={"title": scaled.title, **scaled.record()},
            n_measurements=len(measurements) + len(scaled.analyses),
        )

    def ended(self, state: StudyState) -> StudyState:
        """Tell how far a study is at its end, if it was begun, and return that."""
        counts = {"n_measurements": state.n_measurements, "done": state.done, "failed": state.failed}
        self._end("stopped" if state.stopped else "failed" if state.failed else "done", counts)
        return state

    def _end(self, status: str, counts: Mapping[str, int] | None = None, error: str | None = None) -> None:
        if self._study is None:
            return
        seconds, study = time.perf_counter() - self._clock, self._study
        self._study = None
        tell(
            self._catalog.manager,
            "study_ended",
            **study,
            status=status,
            seconds=seconds,
            counts=counts or {},
            error=error,
        )
