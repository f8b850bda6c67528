"""What a hub tells of the store and of the catalog, without any work."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from vaehub.core.display import Displayed
from vaehub.core.recipe import Recipe
from vaehub.hub import requests
from vaehub.hub.display.figures import show_figures
from vaehub.hub.export import WeightsFormat, export_weights
from vaehub.hub.inputs import Inputs
from vaehub.hub.requests import Settings
from vaehub.hub.runner import Runner
from vaehub.hub.views import Measurement, Rows, Training
from vaehub.registry.catalog import Catalog
from vaehub.store.failures import gone
from vaehub.store.records import MeasurementRecord, StudyRecord, TrainingRecord
from vaehub.store.store import Store
from vaehub.store.verify import Verification

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaehub.hub.dataset_folder import DatasetFolder
    from vaehub.registry.holdings import Holding
    from vaehub.store.session import Session


class StoreReader(Displayed):
    """The part of :class:`vaehub.Hub` that looks at what there is.

    Args:
        store: Where results are.
        catalog: Where names are looked up.
        device: Where models compute.
    """

    def __init__(self, store: Store, catalog: Catalog, device: str = "auto") -> None:
        self.store = store
        self.catalog = catalog
        self._runner = Runner(store, catalog, device)
        self._inputs = Inputs(catalog, self._runner)
        self._device = device

    def sql(self, query: str) -> Rows:
        """Return the answer to an SQL query, which can read the store and do nothing else.

        Raises:
            VaehubError: If there is no store, or the query is wrong.
        """
        return Rows(self.store.query(query))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.store.path)!r}, device={self._device!r})"

    def recent(self, limit: int = 20) -> tuple[list[TrainingRecord], list[MeasurementRecord]]:
        """Return the latest trainings and measurements, the latest first."""
        return self.store.recent(limit)

    def show(self, prefix: str) -> Training | Measurement:
        """Return the training or measurement whose id begins so.

        Raises:
            VaehubError: If there is none, or more than one, or it goes away meanwhile.
        """
        with self.store.session() as session:
            kind, found = self.store.resolve(prefix)
            if kind == "training":
                return self._training(session, found)
        return self._runner.stored(found)

    def _training(self, session: Session, found: str) -> Training:
        record = session.trainings([found]).get(found)
        if record is None:
            raise gone("training", found)
        return Training(**vars(record), epochs=session.epochs(found), measurements=session.measurements_of(found))

    def figure(self, prefix: str, *others: str) -> Figure:
        """Return the plot of a measurement, as its metric draws it or of its values, or the loss curves of a training.

        Several trainings, or measurements of one metric, share one picture: a colour for each setting, and a thin line
        for each seed.

        Args:
            prefix: Beginning of an id.
            others: Beginnings of further ids.

        Raises:
            VaehubError: If there is no such record, it failed, it has no finite value, or several cannot be compared;
                or matplotlib is missing.
        """
        if others:
            from vaehub.hub.overlays import overlay

            several = [self.show(each) for each in dict.fromkeys((prefix, *others))]
            figure = overlay(several)
            show_figures()
            return figure
        return self.show(prefix).plot()

    def plot(self, shown: Measurement) -> Figure:
        """Return the plot of a measurement from anywhere; raises as :meth:`figure`."""
        return replace(shown, find_metric=self._runner.metric_of).plot()

    def metric_plot(self, shown: Measurement) -> Figure | None:
        """Return the plot that its metric draws of a measurement from anywhere, or ``None`` if it draws none."""
        from vaehub.hub.plots import metric_plot

        return metric_plot(replace(shown, find_metric=self._runner.metric_of))

    def export(
        self,
        prefix: str,
        path: PathLike[str] | str | None = None,
        *,
        format: WeightsFormat = "safetensors",  # noqa: A002
    ) -> Path:
        """Write the weights of a stored training into a file, and return its path.

        Args:
            prefix: Beginning of the training's id.
            path: File to write; the beginning of the id with the format's ending, if not given.
            format: ``safetensors``, or ``pt`` for ``torch.load(…, weights_only=True)``.

        Raises:
            VaehubError: If there is no such training, it has no weights, or the file cannot be written.
        """
        return export_weights(self.store, self._inputs.training(prefix), path, format)

    def export_tables(self, folder: PathLike[str] | str) -> DatasetFolder:
        """Write the tables of the store into a new folder, in Parquet, with a dataset card and BibTeX.

        Raises:
            VaehubError: If there is no store, nothing in it, or the folder is there already or cannot be made.
        """
        from vaehub.hub.dataset_folder import write_dataset

        return write_dataset(self.store, self.catalog, folder)

    def stored_recipe(self, prefix: str) -> Recipe:
        """Return the recipe of a stored training.

        Raises:
            VaehubError: If there is no such training, or its plugins are missing.
        """
        return self._inputs.stored_recipe(prefix)

    def verify(self, *, remove_leftovers: bool = False) -> Verification:
        """Check every checksum and pointer of the store.

        Raises:
            StoreError: If there is no store.
        """
        return self.store.verify(remove_leftovers=remove_leftovers)

    def studies(self) -> list[StudyRecord]:
        """Return the studies that this store was asked for, the latest first."""
        with self.store.session() as session:
            return session.studies()

    def holding(self, name: str | PathLike[str], settings: Settings | None = None) -> Holding:
        """Return the card of a dataset and where its files are, without loading it.

        Raises:
            VaehubError: If the name or a parameter is wrong.
        """
        from vaehub.registry.holdings import holding

        component = requests.dataset_of(self.catalog, name, settings or {})
        root = getattr(component.params, "root", None)
        return holding(self.catalog.find("dataset", f"{component.distribution}:{component.name}"), root)
