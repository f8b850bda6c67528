"""Requests: a user's names and settings, validated, with an identity. Loads no model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, cast

from vaehub.core.errors import UnknownName, VaehubError
from vaehub.core.identity import Json, identity
from vaehub.core.params import Params, parse
from vaehub.core.recipe import Component, Recipe, TrainParams
from vaehub.hub.arguments import is_path, mapping_of, path_text, text, whole_number
from vaehub.hub.data_copies import InMemoryData
from vaehub.hub.extractors import with_identities
from vaehub.hub.subject import IN_MEMORY, Subject
from vaehub.hub.subjects import kind_of
from vaehub.registry.catalog import Catalog, Registered
from vaehub.registry.entries import Metric as MetricEntry

SCOPES = ("model", "network", "data", "train", "metric")
RENAMED = {"part": "split", "train_part": "train_split", "test_part": "test_split"}
"""Parameters of metrics that stored measurements have under an earlier name."""
LARGEST_SEED = 2**63 - 1
"""The store keeps seeds as signed integers of 64 bits."""
DEFAULT_NETWORK = "mlp"
DEFAULT_DATASET = "digits"

Settings = Mapping[str, object]
"""Parameters by scope and name, such as ``{"model.latent_dim": 8}``."""

FindTraining = Callable[[str], str]
"""From the beginning of an id to the whole one."""


@dataclass(frozen=True)
class MeasurementRequest:
    """A metric, its subject, and a seed.

    Attributes:
        metric: The metric with its parameters.
        subject: What is measured.
        seed: Decides all randomness of the measurement.
    """

    metric: Component
    subject: Subject[Any]
    seed: int

    def __post_init__(self) -> None:
        """Refuse a seed that cannot be recorded, before any work.

        Raises:
            VaehubError: If the seed is negative or too large.
        """
        check_seed(self.seed)

    def identity(self) -> dict[str, Json]:
        """Return all that decides the values."""
        return {"metric": self.metric.identity(), "subject": self.subject.key(), "seed": self.seed}

    @cached_property
    def id(self) -> str:
        """The identity as 24 hexadecimal digits."""
        return identity(self.identity())


def check_seed(seed: int) -> None:
    """Refuse a seed that cannot be recorded.

    Raises:
        VaehubError: If it is negative or too large.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise VaehubError(f"seed is {seed} and should be from 0 to {LARGEST_SEED}, which the store can keep")


def split_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """Return settings by scope.

    Raises:
        VaehubError: If a key has no scope, or an unknown one.
    """
    found: dict[str, dict[str, object]] = {scope: {} for scope in SCOPES}
    for key, value in mapping_of(settings, 'settings={"model.latent_dim": 8}').items():
        scope, _, name = key.partition(".")
        if scope not in found or not name:
            raise VaehubError(f"setting {key!r} does not begin with a scope; write one of {_examples()}")
        found[scope][name] = value
    return found


def recipe_of(
    catalog: Catalog,
    *,
    model: str,
    network: str,
    dataset: str | Component,
    seed: int,
    settings: Mapping[str, Settings],
) -> Recipe:
    """Return the recipe of a request.

    Args:
        catalog: Where names are looked up.
        model: Name of the model.
        network: Name of the network.
        dataset: Name or path of the data; or their component, to which the settings of data were applied.
        seed: Decides all randomness of the training.
        settings: Parameters by scope.

    Raises:
        VaehubError: If a name or a parameter is wrong.
    """
    seed = whole_number(seed, "seed")
    check_seed(seed)
    return Recipe(
        model=component_of(catalog, "model", model, settings["model"]),
        network=component_of(catalog, "network", network, settings["network"]),
        dataset=dataset if isinstance(dataset, Component) else dataset_of(catalog, dataset, settings["data"]),
        train=parse(TrainParams, settings["train"], owner="training"),
        seed=seed,
    )


def stages_of(recipe: Recipe, at_epochs: Sequence[int], at_steps: Sequence[int] = ()) -> list[Recipe]:
    """Return the recipe with each requested smaller number of epochs, or of steps, in order.

    Raises:
        VaehubError: If a number is not one of the recipe's epochs or steps.
    """
    unit, asked = ("steps", at_steps) if at_steps else ("epochs", at_epochs)
    one = "a step to measure after" if at_steps else "an epoch to measure after"
    own = "epochs" if recipe.train.steps is None else "steps"
    if asked and (unit != own or (at_steps and at_epochs)):
        raise VaehubError(
            f"this training has {recipe.train.length} {own}, so that it is measured after some of these and no "
            f"{'epochs' if own == 'steps' else 'steps'}; '-s train.steps=5000' gives a length in steps, "
            "'-s train.epochs=50' in epochs"
        )
    last, asked = recipe.train.length, [whole_number(each, one) for each in asked]
    wrong = [str(each) for each in asked if not 1 <= each <= last]
    if wrong:
        raise VaehubError(
            f"{unit} to measure after are numbers from 1 to 'train.{unit}', which is {last}, got "
            f"{', '.join(wrong[:5])}{'' if len(wrong) <= 5 else ', …'}"
        )
    return [recipe.vary(train={unit: each}) for each in sorted(set(asked)) if each < last]


def component_of(catalog: Catalog, kind: str, name: str, params: Settings) -> Component:
    """Return a catalog entry with its parameters.

    Raises:
        VaehubError: If the name is unknown or claimed twice, or a parameter is wrong.
    """
    found = catalog.find(kind, text(name, kind))
    return _component(found, parse(found.load_params(), params, owner=found.title))


def dataset_of(catalog: Catalog, name: str | PathLike[str], params: Settings) -> Component:
    """Return a dataset of the catalog, or a user's own data where the name is a path.

    Raises:
        VaehubError: As :func:`part_of`; if nothing is at the path, or no plugin opens what is.
    """
    name = path_text(name) if isinstance(name, PathLike) else text(name, "dataset")
    path = Path(os.path.expanduser(name))
    if not is_path(name):
        try:
            return component_of(catalog, "dataset", name, params)
        except UnknownName as error:
            if os.path.exists(path):
                raise UnknownName(f"{error}; to read what is here under that name, write './{name}'") from error
            raise
    # In contrast to Path.exists, it is False for a name that is too long.
    if not os.path.exists(path):
        raise VaehubError(
            f"there is nothing at {name!r}; name a folder or file of data, or one of 'vaehub list dataset'"
        )
    opener = catalog.opening(path)
    return component_of(catalog, "dataset", f"{opener.distribution}:{opener.entry.name}", {"path": path, **params})


def metrics_of(
    catalog: Catalog, names: Sequence[str], settings: Settings, find: FindTraining
) -> list[tuple[MetricEntry, Component]]:
    """Return metrics with their parameters.

    With one metric, settings are its own; with several, each setting names its metric: ``relevance.n_samples``.

    Raises:
        VaehubError: If a name or a parameter is wrong.
    """
    if not names:
        raise VaehubError("no metric was asked for; 'vaehub list metric' shows all")
    own: dict[str, dict[str, object]] = {name: {} for name in names}
    for key, value in settings.items():
        owner, _, name = key.rpartition(".")
        if not owner and len(own) == 1:
            owner = names[0]
        if owner not in own:
            example = f"metric.{names[0]}.{name}"
            raise VaehubError(
                f"setting 'metric.{key}' does not say which of {', '.join(own)} it is for; write {example!r}"
            )
        own[owner][name] = value
    return [metric_of(catalog, name, params, find) for name, params in own.items()]


def metric_of(catalog: Catalog, name: str, params: Settings, find: FindTraining) -> tuple[MetricEntry, Component]:
    """Return a metric with its parameters, completed with the identities of trainings and extractors they name.

    Raises:
        VaehubError: If the name, a parameter, an id or the name of an extractor is wrong.
    """
    component, found = component_of(catalog, "metric", name, params), catalog.find("metric", name)
    identified = with_identities(catalog, component.params, find, owner=found.title)
    return cast(MetricEntry, found.entry), replace(component, params=identified)


class RunPlan:
    """Measurements to make of one recipe: metrics of its stages, and of the recipe itself.

    Args:
        recipe: The recipe.
        stages: The same with fewer epochs, of which the metrics of trainings are asked too.
        wanted: The metrics.

    Raises:
        VaehubError: If a metric cannot be asked of a recipe.
    """

    def __init__(
        self, recipe: Recipe, stages: Sequence[Recipe], wanted: Sequence[tuple[MetricEntry, Component]]
    ) -> None:
        self.recipe = recipe
        self.stages = stages
        self.requests: list[MeasurementRequest] = []
        for stage in (*stages, recipe):
            for entry, component in wanted:
                subject = kind_of(entry.subject, component.name).of_recipe(stage, component.name)
                if stage is recipe or subject.trainings:
                    self.requests.append(MeasurementRequest(component, subject, stage.seed))

    @property
    def of_trainings(self) -> list[MeasurementRequest]:
        """Those that need the training."""
        return [request for request in self.requests if request.subject.trainings]

    @property
    def of_others(self) -> list[MeasurementRequest]:
        """Those that do not."""
        return [request for request in self.requests if not request.subject.trainings]


def restored_component(
    catalog: Catalog, kind: str, stored: Mapping[str, Json], *, any_revision: bool = False
) -> Component:
    """Return a stored component, for the plugin that is installed now.

    Args:
        catalog: Where the plugin is looked up.
        kind: Kind of the component.
        stored: Its record.
        any_revision: Accept a plugin of another revision, to show stored values; it would compute other ones.

    Raises:
        VaehubError: If the plugin is missing, or would give other numbers than the stored ones.
    """
    if stored["distribution"] == IN_MEMORY:
        return _handed_over(kind, stored)
    found = catalog.find(kind, f"{stored['distribution']}:{stored.get('entry', stored['name'])}")
    if found.entry.revision != stored["revision"] and not any_revision:
        raise VaehubError(
            f"{found.title} is installed in revision {found.entry.revision}, and was stored in revision "
            f"{stored['revision']}, which gives other numbers; run the recipe again"
        )
    values = dict(cast(Mapping[str, object], stored["params"])) | dict(mapping(stored.get("incidental", {})))
    params = found.load_params()
    known = params.model_fields.keys()
    renamed = {old: new for old, new in RENAMED.items() if old not in known and new in known}
    values = {renamed.get(name, name): value for name, value in values.items()}
    return _component(found, parse(params, values, owner=found.title))


def _handed_over(kind: str, stored: Mapping[str, Json]) -> Component:
    """Return a component that was handed over in memory; a model only if it can be made again."""
    name, incidental = cast(str, stored["name"]), mapping(stored.get("incidental", {}))
    if kind == "network":
        return Component(name, IN_MEMORY, 1, Params())
    if kind == "dataset":
        content = str(mapping(stored["params"])["content"])
        return Component(name, IN_MEMORY, cast(int, stored["revision"]), InMemoryData(content=content))
    if not incidental.get("origin"):
        raise VaehubError(f"{kind} {name!r} was handed over in memory; wrap it again to use it")
    # Brings torch along.
    from vaehub.hub.in_memory import InMemoryModel

    values = {**mapping(stored["params"]), **incidental}
    return Component(name, IN_MEMORY, 1, parse(InMemoryModel, values, owner=f"model {name!r}"))


def restored_recipe(catalog: Catalog, stored: Mapping[str, Json]) -> Recipe:
    """Return a stored recipe.

    Raises:
        VaehubError: As :func:`restored_component`.
    """
    parts = {kind: restored_component(catalog, kind, mapping(stored[kind])) for kind in ("model", "network", "dataset")}
    values = cast(Mapping[str, object], mapping(stored["train"])["params"])
    train = parse(TrainParams, values, owner="training")
    return Recipe(**parts, train=train, seed=cast(int, stored["seed"]))


def _component(found: Registered, params: Params) -> Component:
    return Component(found.entry.name, found.distribution, found.entry.revision, params)


def mapping(value: Json) -> Mapping[str, Json]:
    """Return a part of a stored request that is known to be a mapping."""
    assert isinstance(value, Mapping), "stored recipes are nested mappings"
    return value


def _examples() -> str:
    return ", ".join(f"'{scope}.NAME'" for scope in SCOPES)
