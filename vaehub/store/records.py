"""What is stored of a training and of a measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from vaehub.core.identity import Json

Status = Literal["done", "failed"]


def now() -> datetime:
    """Return the time as records keep it: in UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class TrainingRecord:
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
        study: Study that asked for it.
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
    study: str | None = None
