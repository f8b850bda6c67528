"""What metrics promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, cast

import torch

from vaehub.core.data.dataset import Dataset
from vaehub.core.errors import ContractBroken, VaehubError, first_line
from vaehub.core.metric import Columns, Metric
from vaehub.core.model import LatentModel
from vaehub.core.recipe import Component, Recipe
from vaehub.core.result import Result
from vaehub.hub import requests
from vaehub.hub.answers import measured
from vaehub.hub.recipe_runner import RecipeRunner
from vaehub.hub.refusals import refuse
from vaehub.hub.subjects import KINDS
from vaehub.registry.entries import Metric as MetricEntry
from vaehub.registry.places import is_raised_in, package_of
from vaehub.testing.bench import LATENT_DIM, NAMES, Bench, bench
from vaehub.testing.failures import Item, NotChecked, StopChecking
from vaehub.testing.guards import class_of, scrambled, unaltered, untouched
from vaehub.testing.needs import check_needs
from vaehub.testing.parameters import check_params
from vaehub.testing.results import comparable, differing, says_undefined, undefined, values_of

CANDIDATES = [("vae", "grey"), ("ard", "grey"), ("ivae", "grey"), ("ae", "grey"), ("linear_vae", "vectors")]
"""Models and data, of which a metric is asked of the first that it does not refuse."""
FAILS = "fails as it measures"
SLACK = 1e-4
"""How far values of a wrapped model may lie from those of the same model as it is, relatively: rounding of batches."""


@dataclass(frozen=True)
class Case:
    """What a metric is asked of.

    Attributes:
        of: Name of the data.
        arguments: Of its ``check``.
        recipe: Of the model, if there is one.
    """

    of: str
    arguments: tuple[Any, ...]
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Measuring:
    """A metric on the bench.

    Attributes:
        item: The entry.
        entry: Its manifest.
        component: With its parameters.
        tools: The bench.
    """

    item: Item
    entry: MetricEntry
    component: Component
    tools: Bench

    def metric(self, seed: int = 0) -> Metric:
        """Return the metric with a seed."""
        contract = KINDS[self.entry.subject].contract()
        builder = self.tools.runner_of(self.item.catalog).builder
        return self.item.attempt("cannot be made", lambda: builder.metric(self.component, contract, seed))

    def measure(self, case: Case, *, seed: int = 0, what: str = FAILS) -> Result:
        """Return what the metric measures, its needs met, in a process that it leaves as it was.

        Raises:
            NotChecked: If the metric itself refuses what it finds in such small data.
        """
        metric = self.metric(seed)

        def attempted() -> Result:
            try:
                return work()
            except VaehubError as error:
                if what != FAILS or not is_raised_in(error, package_of(self.entry.target)):
                    raise
                raise NotChecked(f"{self.item.title} refuses what it finds in the kit's data: {error}") from error

        def work() -> Result:
            if self.entry.subject == "recipe":
                runner = RecipeRunner(self.tools.runner_of(self.item.catalog), seed)
                return measured(metric.measure(case.arguments[0], runner), metric)
            models = [each for each in case.arguments if isinstance(each, LatentModel)]
            with torch.no_grad():
                found = metric.measure(*case.arguments)
            return measured(found, metric, frozenset(each.latent_dim for each in models) or None)

        with (
            untouched(self.item, "measures", files=self.entry.subject != "recipe"),
            unaltered(self.item, case.arguments, type(metric).measure),
        ):
            return self.item.attempt(what, attempted)


def check(
    item: Item, settings: Mapping[str, object] | None = None, rows: Columns | None = None, model: str | None = None
) -> None:
    """Note the promises of a metric that are not kept.

    Args:
        item: The entry.
        settings: Its parameters.
        rows: Columns of a query, for a metric of tables.
        model: Model of the catalog that it is asked of; if not given, the first that it does not refuse.
    """
    entry = cast(MetricEntry, item.registered.entry)
    kind = class_of(item, KINDS[entry.subject].contract())
    check_params(item)
    tools = bench()
    item.params(dict(settings or {}))  # says which are missing
    _, component = item.attempt(
        "does not take its parameters",
        lambda: requests.metric_of(item.catalog, item.whole_name, dict(settings or {}), tools.hub.store.training_id),
    )
    measuring = Measuring(item, entry, component, tools)
    case = _accepted(measuring, rows, model)
    with scrambled(1):
        first = measuring.measure(case)
    with scrambled(2):
        again = measuring.measure(case)
    if names := differing(first, again):
        item.broken(f"gives other values each time for the same seed: {_told(names)}", kind.measure)
    other = measuring.measure(case, seed=1)
    if _names_and_axes(first) != _names_and_axes(other):
        item.broken("gives values of other names with another seed, and people write SQL against names", kind.measure)
    if not values_of(first):
        item.broken("returns no value at all", kind.measure)
    if (names := undefined(first)) and not says_undefined(kind):
        item.broken(
            f"gives NaN or infinity for {_told(names)}, and neither the class nor its kernels say in a docstring when "
            "a value is undefined",
            kind.measure,
        )
    if entry.suggests is not None and entry.suggests.value not in first.scalars:
        item.broken(
            f"suggests a number of latents by {entry.suggests.value!r}, as its manifest says, and has no scalar of "
            f"this name; it has {', '.join(first.scalars) or 'none'}",
            kind.measure,
        )
    # A column of a table has a unit by its own name, without that of the table.
    named = {part for name in values_of(first) for part in (name, name.rpartition(".")[2])}
    if unknown := [name for name in entry.units if name not in named]:
        has = ", ".join(map(repr, values_of(first)))
        item.broken(f"has a unit for {_told(unknown)} in its manifest, and returns {has}", kind.measure)
    _check_picture(measuring, first)
    if entry.subject == "model":
        _check_other_sizes(measuring, case)
        _check_wrapped(measuring, case, first)
    if entry.subject in ("model", "dataset", "pair"):
        with unaltered(item, case.arguments, kind.measure):
            check_needs(item, measuring.metric(), case.arguments, first)


def _accepted(measuring: Measuring, rows: Columns | None, model: str | None) -> Case:
    """Return the first of the kit's cases that the metric does not refuse."""
    said = ""
    for case in _cases(measuring, rows, model):
        try:
            refuse(measuring.metric(), *case.arguments)
        except ContractBroken as error:
            measuring.item.raised("fails in its check", error)
            raise StopChecking from error
        except VaehubError as error:
            said = said or first_line(error)
        except (KeyboardInterrupt, StopChecking, NotChecked):
            raise
        # A stranger's check runs here.
        except BaseException as error:
            measuring.item.raised("fails in its check", error)
            raise StopChecking from error
        else:
            return case
    raise NotChecked(f"{measuring.item.title} refuses all that the kit has: {said}")


def _cases(measuring: Measuring, rows: Columns | None, model: str | None) -> Iterator[Case]:
    tools, subject = measuring.tools, measuring.entry.subject
    if subject == "rows":
        if rows is None:
            raise NotChecked(f"{measuring.item.title} measures rows of a query; give rows={{'column': […]}}")
        yield Case("rows", (rows,))
        return
    if subject == "dataset":
        for of in NAMES:
            yield Case(of, (_data_of(tools, of),))
        return
    for each, of in (
        [*CANDIDATES, *(("vae", of) for of in NAMES[1:])] if model is None else [(model, of) for of in NAMES]
    ):
        recipe = tools.recipe(each, of)
        if subject == "recipe":
            model_, data = tools.trained(recipe)
            yield Case(of, (recipe, model_, data), recipe)
        elif subject == "pair":
            a, data = tools.trained(recipe)
            b, _ = tools.trained(tools.recipe(each, of, **{"train.epochs": 3}))
            yield Case(of, (a, b, data), recipe)
        else:
            yield Case(of, tools.trained(recipe), recipe)


def _data_of(tools: Bench, of: str) -> Dataset:
    return tools.trained(tools.recipe("vae", of))[1]


def _names_and_axes(result: Result) -> dict[str, object]:
    return {name: value.ndim for name, value in values_of(result).items()}


def _check_picture(measuring: Measuring, result: Result) -> None:
    """Note a plot that needs more than stored values, changes the process, or is no figure."""
    if find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    item = measuring.item
    kind = item.registered.load(KINDS[measuring.entry.subject].contract())
    alone = kind(measuring.component.params, 0, None, measuring.component.name, None)
    with untouched(item, "draws"):
        figure: object = item.attempt(
            "cannot draw what it measured, from stored values alone", lambda: alone.plot(result)
        )
    if figure is not None and not isinstance(figure, Figure):
        item.broken(f"draws a {type(figure).__name__}, and 'plot' returns a matplotlib figure or None", kind.plot)


def _check_other_sizes(measuring: Measuring, case: Case) -> None:
    """Note shapes that do not follow the model's number of latents."""
    assert case.recipe is not None
    larger = measuring.tools.trained(case.recipe.vary(model={"latent_dim": LATENT_DIM + 2}))
    try:
        refuse(measuring.metric(), *larger)
    except VaehubError:
        return
    measuring.measure(Case(case.of, larger), what=f"fails on a model of {LATENT_DIM + 2} latents")


def _check_wrapped(measuring: Measuring, case: Case, first: Result) -> None:
    """Note other values for the same model, wrapped as a user's own."""
    model, _ = case.arguments
    if type(model).prior is not LatentModel.prior:
        return  # a wrapped model has no conditional prior
    wrapped = measuring.tools.wrapped(model, case.of)
    try:
        refuse(measuring.metric(), *wrapped)
    except VaehubError:
        return  # a wrapped model has no learned prior, and no loss of its own
    found = measuring.measure(Case(case.of, wrapped), what="fails on the same model wrapped by vaehub.wrap")
    common = comparable(first, found)  # a wrapped model has other layers
    names = [name for name in differing(first, found, tolerance=SLACK) if name in common]
    if names:
        item, kind = measuring.item, type(measuring.metric())
        item.broken(f"gives other values for the same model wrapped by vaehub.wrap: {_told(names)}", kind.measure)


def _told(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
