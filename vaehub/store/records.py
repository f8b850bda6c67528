"""What is stored of a training and of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from vaehub.core.display import Displayed
from vaehub.core.identity import Json

if TYPE_CHECKING:
    from vaehub.core.result import Result
    from vaehub.store.files import StoredFile

Status = Literal["done", "failed"]


def now() -> datetime:
    """Return the time as records keep it: in UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class TrainingRecord(Displayed):
    """One row of ``trainings``.

    Attributes:
        id: Identity of the recipe.
        recipe: All that decides the weights, as plain values.
        latent_dim: Number of latents.
        status: Whether it succeeded.
        error: Why not.
        notes: What a reader must know of it, a phrase each.
        started: When, in UTC, without zone.
        seconds: Duration; of a resumed training, since it was resumed.
        device: Where.
        weights: File below ``arrays/``.
    """

    id: str
    recipe: Mapping[str, Json]
    latent_dim: int
    status: Status
    error: str | None
    notes: Sequence[str]
    started: datetime
    seconds: float
    device: str
    weights: str | None = None

    def __repr__(self) -> str:
        what = f"{self.name_of('model')} on {self.name_of('dataset')}, seed {self.seed}, {self.latent_dim} latents"
        return f"{type(self).__name__}({self.id[:8]}: {what}, {self.status})"

    def name_of(self, part: Literal["model", "network", "dataset"]) -> str:
        """Return the catalog name of a part of the recipe."""
        found = self.recipe[part]
        assert isinstance(found, Mapping)
        return str(found["name"])

    @property
    def seed(self) -> int:
        """Seed of the recipe."""
        seed = self.recipe["seed"]
        assert isinstance(seed, int)
        return seed


@dataclass(frozen=True)
class MeasurementRecord:
    """One row of ``measurements``.

    Attributes:
        id: Identity of the request.
        metric: Catalog name.
        params: Parameters of the metric.
        seed: Decides all randomness of the measurement.
        subject: What was measured.
        request: All that decides the values.
        training: Training measured; of a pair, the first.
        other: Of a pair, the second.
        status: Whether it succeeded.
        error: Why not.
        started: When, in UTC, without zone.
        seconds: Duration.
        units: Unit of each value that has one, by name: recorded beside the values, and read with them.
    """

    id: str
    metric: str
    params: Mapping[str, Json]
    seed: int
    subject: Mapping[str, Json]
    request: Mapping[str, Json]
    training: str | None
    other: str | None
    status: Status
    error: str | None
    started: datetime
    seconds: float
    units: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class StoredMeasurement:
    """A measurement with all that the store has of it.

    Attributes:
        record: The measurement.
        training: What was measured; of a pair, the first; ``None`` for data, recipes and rows.
        result: Its values; without arrays as long as these have not been read.
        file: Where the arrays are, if there are any.
    """

    record: MeasurementRecord
    training: TrainingRecord | None
    result: Result
    file: StoredFile | None


@dataclass(frozen=True)
class CellRecord:
    """One row of ``cells``: a measurement that a study asks for.

    Attributes:
        cell: Point of the grid, counted from 0; ``None`` for an analysis of all of them.
        settings: Of the point, by name, such as ``{"model": "vae", "data.n_classes": 5}``; of an analysis, its name.
        metric: Catalog name.
        training: Training that the measurement needs.
        measurement: Identity of the request.
    """

    cell: int | None
    settings: Mapping[str, Json]
    metric: str
    training: str | None
    measurement: str


@dataclass(frozen=True)
class Outcome:
    """Outcome of a measurement: its status, the reason if it failed, and when it started."""

    status: Status
    error: str | None
    started: datetime


@dataclass(frozen=True)
class StudyRecord:
    """One row of ``studies``, and its cells counted.

    Attributes:
        study: Name.
        scale: Name of the scale.
        title: What it is about.
        asked: When it was last asked for, in UTC, without zone.
        n_measurements: What it asks for, each once.
        n_done: Of those, the ones made.
        n_failed: Of those, the ones that failed.
    """

    study: str
    scale: str
    title: str
    asked: datetime
    n_measurements: int
    n_done: int
    n_failed: int
