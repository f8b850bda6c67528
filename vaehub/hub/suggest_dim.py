"""How many latents some data need, by every installed method that says so, side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaehub.core.display import Displayed
from vaehub.core.errors import VaehubError
from vaehub.core.params import parse
from vaehub.core.recipe import Component, TrainParams
from vaehub.hub import requests
from vaehub.hub.arguments import MOST_JOBS, count, is_path
from vaehub.hub.data_copies import InMemoryData
from vaehub.hub.frames import Tabular
from vaehub.hub.requests import Settings
from vaehub.hub.spread import deviation, mean
from vaehub.hub.study import Study
from vaehub.hub.study.definition import Definition
from vaehub.registry.entries import Metric, Suggests

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from vaehub.core.data.dataset import Dataset
    from vaehub.hub.runner import Runner
    from vaehub.registry.catalog import Catalog
    from vaehub.store.store import Store

STEPS = 2500
"""Steps of each training: enough for a small network to find out which latents it can do without."""
STEPS_UNTIL_STABLE = 10_000
"""Most steps of a training that ends when its number of latents has converged."""
MOST_SEEDS = 1000
"""Of each method; far more than a mean and its spread need."""
SCOPES = ("data", "network", "train")
"""What may be set; the models are those that the methods name."""


@dataclass(frozen=True)
class Answer:
    """What one method says, over the seeds.

    Attributes:
        method: Name of the metric.
        suggests: What its number means.
        values: One for each seed that has been answered.
        seconds: What that took in all, trainings included.
        failures: Reasons for which seeds have no answer.
        n_asked: Seeds.
    """

    method: str
    suggests: Suggests
    values: tuple[float, ...]
    seconds: float
    failures: tuple[str, ...]
    n_asked: int

    @property
    def mean(self) -> float | None:
        """Mean over seeds; ``None`` if there is no answer."""
        return mean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; ``None`` if there are fewer than two answers."""
        return deviation(self.values)


@dataclass(frozen=True)
class Suggestion(Displayed, Tabular):
    """What all methods say of some data.

    Attributes:
        data: Name of the data.
        network: What the methods trained.
        epochs: Of each training that does not go on until its number of latents has converged.
        answers: One for each method.
        has_begun: Whether anything was made before the time was over.
    """

    data: str
    network: str
    epochs: int
    answers: tuple[Answer, ...]
    has_begun: bool = True

    def __repr__(self) -> str:
        advice = "no recommendation yet" if self.latent_dim is None else f"{self.latent_dim} latents"
        return f"Suggestion({self.data!r}: {advice}, by {len(self.answers)} methods)"

    def plot(self) -> Figure:
        """Return the number of latents by each method as a plot, which a notebook shows.

        Raises:
            VaehubError: If matplotlib is missing.
        """
        from vaehub.hub.plots import suggestion_plot

        return suggestion_plot(self)

    def to_arrow(self) -> pa.Table:
        """Return one row for each method and answer as an Arrow table."""
        import pyarrow as pa

        rows = [
            (each.method, each.suggests.meaning, each.suggests.is_bound, answer)
            for each in self.answers
            for answer in each.values
        ]
        kinds = {"method": pa.string(), "meaning": pa.string(), "is_bound": pa.bool_(), "value": pa.float64()}
        columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
        return pa.table({name: pa.array(column, kinds[name]) for name, column in zip(kinds, columns, strict=True)})

    @property
    def latent_dim(self) -> int | None:
        """The recommended number; ``None`` while no method has found one.

        The least that a method finds, of those that are no less than the dimensions of the data themselves. Where all
        are, or these are not known, the greatest: a latent too many is passive or irrelevant, one too few is lost.
        """
        found, low = self._found().values(), min(self._bounds().values(), default=math.inf)
        return min((n for n in found if n >= low - 0.5), default=max(found, default=None))

    @property
    def words(self) -> str:
        """The recommendation."""
        return " ".join(self._sentences())

    def _bounds(self) -> dict[str, float]:
        return {each.method: each.mean for each in self.answers if each.suggests.is_bound and each.mean is not None}

    def _found(self) -> dict[str, int]:
        return {
            each.method: max(1, round(each.mean))
            for each in self.answers
            if each.mean is not None and not each.suggests.is_bound
        }

    def _sentences(self) -> Iterator[str]:
        found, latent_dim = self._found(), self.latent_dim
        if latent_dim is None:
            yield "There is no recommendation yet: no method that trains models has come to an end."
        else:
            fewest, most, near = min(found.values()), max(found.values()), max(1, 0.2 * latent_dim)
            fewer = f", or as few as {fewest} where each one has to matter" if latent_dim - fewest > near else ""
            more = f", or up to {most} where detail counts more than economy" if most - latent_dim > near else ""
            says = ", ".join(f"{method} finds {n}" for method, n in found.items())
            yield f"Use {latent_dim} latents with network {self.network!r}{fewer}{more}: {says}."
        bounds = self._bounds()
        if bounds:
            low, high = min(bounds.values()), max(bounds.values())
            about = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
            yield f"The data have about {about} dimensions of their own."
            if latent_dim is not None and latent_dim <= low - 1:
                yield (
                    "That is more than these models use: train for longer (--set train.epochs) or take another network "
                    "to see whether they can use the rest."
                )
        for each in self.answers:
            if each.mean and each.spread is not None and each.spread > 0.25 * each.mean:
                yield f"Seeds of {each.method} differ by {each.spread:.2g}: more of them (--seeds) would tell more."
            if len(each.failures) == each.n_asked:
                yield f"{each.method} failed: {each.failures[0]}"
        if any(len(each.values) + len(each.failures) < each.n_asked for each in self.answers):
            yield (
                "The time was over before all was done; the same command goes on where it was."
                if self.has_begun
                else "The time was over while the data were loaded and all was tried out; give more with --budget."
            )


def suggest(
    runner: Runner,
    device: str,
    *,
    data: str | Component,
    network: str,
    methods: Sequence[str] | None,
    seeds: int,
    settings: Settings,
    budget: float | None,
    jobs: int | None,
) -> Suggestion:
    """Ask methods how many latents data need, and return what they say.

    Args:
        runner: Loads data, and knows the store and the catalog.
        device: Where workers of the study compute.
        data: Name in the catalog, or a path to a user's own; or data in memory, with their parameters applied.
        network: What the methods train.
        methods: Names of metrics; all that can say, if not given.
        seeds: How often each is asked.
        settings: Parameters of data, network and training.
        budget: Seconds from now after which work stops; none, if not given. Loading data counts, and is not stopped.
        jobs: Runner processes; one for each core, if not given.

    Raises:
        VaehubError: If the request is wrong; nothing has been done.
    """
    started = time.monotonic()
    seeds = count(seeds, "the number of seeds", MOST_SEEDS)
    jobs = None if jobs is None else count(jobs, "the number of jobs", MOST_JOBS)
    chosen, train = methods_of(runner.catalog, methods), train_params_of(settings)
    if isinstance(data, Component):
        settings = {name: value for name, value in settings.items() if not name.startswith("data.")}
        in_memory = {_reference(data): data}
        component, reference = data, _reference(data)
    else:
        in_memory = {}
        component = requests.dataset_of(runner.catalog, data, requests.split_settings(settings)["data"])
        reference = data
    whole = runner.builder.load(component)
    definition, epochs = definition_of(
        chosen,
        data=reference,
        network=network,
        settings=settings,
        train=train,
        seeds=seeds,
        n_observations=_n_trained_on(whole, train),
    )
    study = Study(definition, runner.store, runner.catalog, runner, device, in_memory)
    left = None if budget is None else max(0.0, budget - (time.monotonic() - started))
    state = study.run(jobs=jobs, budget=left)
    return Suggestion(
        data.name if isinstance(data, Component) else shown_name(data),
        network,
        epochs,
        answers_of(study, runner.store, chosen),
        has_begun=state.stopped != "trying",
    )


def methods_of(catalog: Catalog, names: Sequence[str] | None) -> dict[str, Metric]:
    """Return the metrics that say how many latents data need, those that say the least first.

    Args:
        catalog: Where they are found.
        names: Some of them; all, if not given.

    Raises:
        VaehubError: If a metric does not, or none is installed.
    """
    entries = [each.entry for each in catalog.entries("metric") if isinstance(each.entry, Metric)]
    known = {entry.name: entry for entry in entries if entry.suggests is not None}
    unknown = [name for name in names or () if name not in known]
    if unknown or not known:
        if not known:
            raise VaehubError("no installed metric says how many latents data need; 'vaehub plugin list' tells why")
        raise VaehubError(f"{unknown[0]!r} does not say how many latents data need; {', '.join(known)} do")
    chosen = {name: known[name] for name in names} if names else known
    return dict(sorted(chosen.items(), key=lambda item: not _suggests(item[1]).is_bound))


def train_params_of(settings: Settings) -> TrainParams:
    """Return how models will be trained, but for the number of epochs.

    Raises:
        VaehubError: If a setting is not one of data, network or training, or gives the length in steps.
    """
    split = requests.split_settings(settings)
    others = [scope for scope in split if split[scope] and scope not in SCOPES]
    if others:
        raise VaehubError(
            f"setting '{others[0]}.{next(iter(split[others[0]]))}' is not one of suggest-dim, which takes those of "
            f"{', '.join(SCOPES)}; each method brings its own model"
        )
    params = parse(TrainParams, split["train"], owner="training")
    if params.steps is not None:
        raise VaehubError(
            f"suggest-dim counts the length of trainings in epochs, and 'train.steps' is {params.steps}; give "
            "'train.epochs' instead"
        )
    return params


def definition_of(
    methods: Mapping[str, Metric],
    *,
    data: str,
    network: str,
    settings: Settings,
    train: TrainParams,
    seeds: int,
    n_observations: int,
) -> tuple[Definition, int]:
    """Return the study that asks all methods, one seed after the other, and the epochs of its trainings."""
    recipe: dict[str, Any] = {"dataset": data, "network": network, **settings}
    if "train.epochs" not in settings:
        recipe["train.epochs"] = _epochs(STEPS, train, n_observations)
    until_stable = (
        {}
        if settings.keys() & {"train.epochs", "train.until"}
        else {"train.until": "stable", "train.epochs": _epochs(STEPS_UNTIL_STABLE, train, n_observations)}
    )
    grids = []
    for seed in range(seeds):
        for name, entry in methods.items():
            model = {"model": _suggests(entry).model} if _suggests(entry).model else {}
            longer = until_stable if _suggests(entry).needs_stable else {}
            grids.append({"recipe": {"seed": seed, **model, **longer}, "metrics": {name: {}}})
    name = f"suggest-dim {data}"
    content = {"title": f"how many latents {data} need", "recipe": recipe, "grids": grids}
    return Definition(name, content), int(recipe.get("train.epochs", train.epochs))


def _epochs(steps: int, train: TrainParams, n_observations: int) -> int:
    return max(1, math.ceil(steps * train.batch_size / n_observations))


def answers_of(study: Study, store: Store, methods: Mapping[str, Metric]) -> tuple[Answer, ...]:
    """Return what each method has said so far."""
    cells = study.cells()
    stored = store.find_many([cell.request.id for cell in cells])
    answers = []
    for name, entry in methods.items():
        asked = [cell.request.id for cell in cells if cell.request.metric.name == name]
        found = [stored[each] for each in asked if each in stored]
        done = [each for each in found if each.record.status == "done"]
        failures = [each.record.error or "" for each in found if each.record.status == "failed"]
        values = tuple(each.result.scalars[_suggests(entry).value] for each in done)
        seconds = sum(each.record.seconds for each in done)
        answers.append(Answer(name, _suggests(entry), values, seconds, tuple(failures), len(asked)))
    return tuple(answers)


def shown_name(data: str) -> str:
    """Return what data are called: their name in the catalog, or the name of a file or folder."""
    return Path(data).name if is_path(data) else data


def _reference(data: Component) -> str:
    """Return how a study names data that were handed over: by name, and by content if they are in memory.

    Raises:
        VaehubError: If no worker process can read them.
    """
    if not isinstance(data.params, InMemoryData):
        return data.name
    if data.params.file is None:
        raise VaehubError(
            f"data {data.name!r} are made on demand by a function, which worker processes have not; hand them over as "
            "an array, Dataset(data.x), or as a file"
        )
    return f"{data.name} {data.params.content[:8]}"


def _n_trained_on(data: Dataset, train: TrainParams) -> int:
    # Brings torch along, which a refused request does not need.
    from vaehub.core.random import generator

    return len(data.with_validation(train.validation, generator(0, "validation split")).split("train"))


def _suggests(entry: Metric) -> Suggests:
    assert entry.suggests is not None, "methods_of() chose those that have it"
    return entry.suggests
