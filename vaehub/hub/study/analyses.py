"""Analyses of a study: metrics of tables, which measure the rows that its results give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaehub.core.errors import NotRecorded, VaehubError, WorkFailed
from vaehub.hub import requests
from vaehub.hub.requests import MeasurementRequest
from vaehub.hub.study.definition import Analysis, Scaled
from vaehub.hub.study.report import results_of
from vaehub.hub.subjects import kind_of
from vaehub.hub.views import Rows
from vaehub.registry.catalog import Catalog
from vaehub.store.records import CellRecord

if TYPE_CHECKING:
    from vaehub.hub.runner import Runner
    from vaehub.store.store import Store


class Analyses:
    """Makes the analyses of a study.

    Args:
        study: Its name.
        store: Where results are kept.
        catalog: Where names are looked up.
        runner: Measures.
    """

    def __init__(self, study: str, store: Store, catalog: Catalog, runner: Runner) -> None:
        self._study = study
        self._store = store
        self._catalog = catalog
        self._runner = runner

    def try_out(self, analysis: Analysis, rows: Rows) -> None:
        """Refuse an analysis that could not be made of such rows.

        Raises:
            VaehubError: If it could not.
        """
        request = self._request(analysis, rows)
        try:
            self._runner.try_out([], [request])
        except VaehubError as error:
            raise VaehubError(f"analysis {analysis.name!r} of study {self._study!r}: {error}") from error

    def make(self, scaled: Scaled, analysis: Analysis) -> None:
        """Measure the results, and note that the study asks for it; what fails is recorded.

        Raises:
            NotRecorded: If the store cannot be written.
        """
        with self._store.session() as session:
            settings = [cell.settings for cell in session.cells(self._study, scaled.scale)]
        rows = Rows(self._store.query(results_of(scaled, settings, analysis.sql)))
        request = self._request(analysis, rows)
        try:
            self._runner.measure(request, force=False)
        except NotRecorded:
            raise
        except WorkFailed:
            pass  # recorded as failed, as a cell would be
        except VaehubError as error:
            # Whatever was wrong with the request came out before; what is wrong now are the results.
            self._runner.record_failure(request, str(error))
        cell = CellRecord(None, {"analysis": analysis.name}, analysis.metric, None, request.id)
        with self._store.session() as session:
            session.insert_analysis(self._study, scaled.scale, analysis.name, cell)

    def _request(self, analysis: Analysis, rows: Rows) -> MeasurementRequest:
        entry, component = requests.metric_of(self._catalog, analysis.metric, analysis.params, self._store.training_id)
        return MeasurementRequest(component, kind_of(entry.subject, component.name).of(rows, component.name), 0)
