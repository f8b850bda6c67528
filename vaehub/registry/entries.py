"""Manifest entries: what a plugin contributes and where it lives. Making one imports nothing.

Comparison is written once, in the base class: generating it for each class takes most of the time of its definition,
at the expense of every command.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Subject = Literal["model", "dataset", "pair", "recipe", "rows"]


@dataclass(frozen=True, eq=False)
class Entry:
    """One thing that a plugin contributes.

    Attributes:
        name: Lower-case words joined by underscores; the paper's own term if there is one.
        target: Import string of the class, ``package.module:Class``; imported when first used.
        summary: A lower-case phrase without a full stop.
        params: Import string of the class's ``Params``, if they live in a module that imports less than the class
            does: describing, checking and looking up stored results then need not import the class.
        source: The publication, such as ``Kingma & Welling 2014``.
        revision: Raised whenever the same input can give a different number; part of every identity.
    """

    kind: ClassVar[str]
    has_params: ClassVar[bool] = True
    """Whether it is a class with parameters rather than data."""

    name: str
    target: str
    summary: str
    params: str | None = None
    source: str = ""
    revision: int = 1

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.name, self.target, self.revision))


@dataclass(frozen=True, eq=False)
class Model(Entry):
    """A learning objective: a :class:`vaehub.LatentModel`."""

    kind: ClassVar[str] = "model"


@dataclass(frozen=True, eq=False)
class Network(Entry):
    """An architecture: a :class:`vaehub.Network`."""

    kind: ClassVar[str] = "network"


@dataclass(frozen=True, eq=False)
class Dataset(Entry):
    """Data: a :class:`vaehub.DataSource`.

    Attributes:
        card: Import string of its :class:`vaehub.files.DataCard`, in a module that imports nothing heavy.
        opens: Endings of users' files that it reads, such as ``.npz``, and ``/`` for folders. If ``--dataset`` is a
            path, the entry that opens it is used and its parameter ``path`` set.
    """

    kind: ClassVar[str] = "dataset"

    card: str | None = None
    opens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggests:
    """How a metric of data or of recipes suggests a number of latents.

    Attributes:
        value: Name of the scalar with the suggestion.
        meaning: Meaning of that number, a lower-case phrase: ``latents that …``.
        model: Model with which a metric of recipes is measured.
        is_bound: Whether the number is only a lower bound, and no answer by itself.
        needs_stable: Whether the model's trainings go on until its number of latents has converged, since it would be
            another after more steps.
    """

    value: str
    meaning: str
    model: str = ""
    is_bound: bool = False
    needs_stable: bool = False


@dataclass(frozen=True, eq=False)
class Metric(Entry):
    """A measurement: one of the five metric contracts.

    Attributes:
        subject: What it measures: ``model``, ``dataset``, ``pair``, ``recipe`` or ``rows`` (the result of a query).
        suggests: How it answers ``vaehub suggest-dim``, if it does.
        units: Unit of each value that has one, by the name of the value: ``{"kl": "nats"}``.
    """

    kind: ClassVar[str] = "metric"

    subject: Subject = "model"
    suggests: Suggests | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse units that could not be recorded, before anything is measured.

        Raises:
            TypeError: If they are no texts by name.
        """
        if not all(isinstance(each, str) for pair in dict(self.units).items() for each in pair):
            raise TypeError(
                f"units of metric {self.name!r} are a text for each name of a value, such as {{'kl': 'nats'}}"
            )


@dataclass(frozen=True, eq=False)
class Study(Entry):
    """A grid of recipes and metrics, with its reports: a TOML file, such as ``package:study.toml``."""

    kind: ClassVar[str] = "study"
    has_params: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Published(Entry):
    """Reference values printed in a paper: a CSV file, such as ``package:paper.csv``, named after the paper."""

    kind: ClassVar[str] = "published"
    has_params: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Features(Entry):
    """What metrics may compare observations by: a :class:`vaehub.features.FeatureExtractor`."""

    kind: ClassVar[str] = "features"


@dataclass(frozen=True, eq=False)
class Executor(Entry):
    """Where the jobs of a study are done: a :class:`vaehub.executors.Executor`."""

    kind: ClassVar[str] = "executor"


@dataclass(frozen=True, eq=False)
class Settings(Entry):
    """Parameters of the core itself, which can be described like an entry; no plugin contributes one."""

    kind: ClassVar[str] = "settings"


TRAIN = Settings(
    "train",
    "vaehub.core.recipe:TrainParams",
    "how models of any kind are trained, set as train.NAME",
    params="vaehub.core.recipe:TrainParams",
)

KINDS: tuple[type[Entry], ...] = (Model, Network, Dataset, Metric, Study, Published, Features, Executor)
