"""A search with trainings: each number that it tries is trained and measured, with growing epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from vaehub import LatentModel, Needs, Recipe, Result, Runner, Table, VaehubError, WorkFailed, task
from vaehub.plugins.fondue.bisection import Search, search, supervised_search
from vaehub.plugins.fondue.params import LatentTracesParams, SearchParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIED = "latent_dim"
GAP = "gap"

Measure = Callable[[Recipe], Mapping[str, float]]
"""Returns the ``gap`` of a recipe's training, and the two numbers whose difference it is."""


@dataclass(frozen=True)
class Step:
    """One model of a search.

    Attributes:
        epochs: Epochs that it was trained for.
        number: Number of the step in its search, counted from 1.
        training: Id of its training.
        n: Latents, or a beta.
        lower: As in :class:`Visit`.
        upper: As there.
        measured: Its gap, and the two numbers whose difference it is.
    """

    epochs: int
    number: int
    training: str
    n: float
    lower: float
    upper: float
    measured: Mapping[str, float]


def needs_of(params: SearchParams, *, decoder: bool = False, observations: int = 2) -> Needs:
    """Return what a search over numbers of latents needs: without a start, data that have a dimension."""
    return Needs(
        varies=VARIED,
        variances=True,
        decoder=decoder,
        observations=observations,
        distinct=params.start is None and params.search == "doubling",
        instead={"distinct": "give other data, or a start: '-s metric.start=8'"},
    )


def check_prior(metric: str, recipe: Recipe, model: LatentModel) -> None:
    """Refuse a model whose prior is not standard normal: a passive latent has the prior's variance there, not 1.

    Raises:
        VaehubError: If the prior is learned, or depends on the observation.
    """
    if model.learned_prior_variance is not None or type(model).prior is not LatentModel.prior:
        raise VaehubError(
            f"metric {metric!r} finds passive latents by the variance of a standard normal prior, and model "
            f"{recipe.model.name!r} has a prior of its own; ask it of 'vae' or 'beta_vae', or ask 'relevant_dimension'"
        )


def check_search(metric: str, params: SearchParams, recipe: Recipe) -> None:
    """Refuse numbers that do not fit each other.

    Raises:
        VaehubError: If the start is above the maximum, epochs do not grow, or the recipe counts in steps.
    """
    if recipe.train.steps is not None:
        raise VaehubError(
            f"metric {metric!r} counts the length of its trainings in epochs, and 'train.steps' is "
            f"{recipe.train.steps}; give 'train.epochs' instead"
        )
    if params.start is not None and params.start > params.maximum:
        raise VaehubError(
            f"metric {metric!r} was asked to start from {params.start} latents and to try {params.maximum} at most; "
            "raise '-s metric.maximum=…', or lower '-s metric.start=…'"
        )
    if list(params.epochs) != sorted(set(params.epochs)):
        given = ", ".join(map(str, params.epochs))
        raise VaehubError(f"metric {metric!r} takes growing numbers of epochs, got {given}; write them in order")


def result_of(metric: str, params: SearchParams, recipe: Recipe, runner: Runner, measure: Measure) -> Result:
    """Return the result of a search, which is repeated with each number of epochs until its answer repeats.

    Bonheme 2023, Algorithms 1 to 8, with epochs that are raised until an answer repeats. ``upper`` of a step is
    infinite as long as no number is known to exceed the threshold.

    Args:
        metric: Name of the metric, for messages.
        params: Parameters of the search.
        recipe: Where it starts from.
        runner: Trains and measures.
        measure: Returns the gap of a recipe's training.

    Raises:
        VaehubError: If there is no answer, since one latent exceeds the threshold, or no number that was tried
            does. What was trained and measured stays in the store.
    """
    start = None if params.search == "supervised" else _start(params, recipe, runner)
    found: dict[int, Search[int]] = {}
    steps: list[Step] = []
    chosen, is_stable = 0, False
    for epochs in params.epochs or (recipe.train.epochs,):
        varied = recipe.vary(train={"epochs": epochs})
        latest = _search_once(metric, params, varied, start, measure, steps)
        # An answer of none does not count as stable: for a model that has learned nothing one latent is too many.
        is_stable = latest.answer > 0 and bool(found) and latest.answer == found[chosen].answer
        found[epochs] = latest
        if latest.reached_maximum:
            chosen = epochs
            break
        if is_stable:
            break
        chosen = epochs
    answer = found[chosen]
    if answer.reached_maximum or not answer.answer:
        _refuse(metric, params, answer, chosen)
    n_models = len(answer.visited)
    scalars = {"n_latents": answer.answer, "n_trained": len(steps), "n_models": n_models, "epochs": chosen}
    if recipe.train.steps is None:
        scalars["n_epochs"] = n_models * chosen
    if start is not None:
        scalars["start"] = start
    if len(params.epochs) > 1:
        scalars["is_stable"] = is_stable
    return Result(
        scalars={**scalars, "is_monotone": all(each.is_monotone for each in found.values())},
        tables={"search": table_of(steps)},
    )


def figure_of(result: Result, params: SearchParams) -> Figure:
    """Return the plot of a search for a number of latents."""
    from vaehub.plugins.fondue.plots import plot_search

    return plot_search(result.tables["search"], result.scalars["n_latents"], params.threshold, "latents")


def traces(runner: Runner, recipe: Recipe, params: LatentTracesParams) -> Mapping[str, float]:
    """Return the gap between the traces of a recipe's training, and both traces."""
    found = runner.measure(
        "latent_traces",
        recipe,
        n_samples=params.n_samples,
        split=params.split,
        analytic=params.analytic,
        truncate=params.truncate,
    )
    return {name: found.scalars[name] for name in ("gap", "trace_mean", "trace_sampled")}


def table_of(steps: list[Step]) -> Table:
    """Return a row for each model, in the order of training."""
    columns = {"n": [step.n for step in steps]}
    columns |= {name: [step.measured[name] for step in steps] for name in steps[0].measured}
    columns |= {"lower": [step.lower for step in steps], "upper": [step.upper for step in steps]}
    keys: dict[str, list[str | int | float]] = {
        "epochs": [step.epochs for step in steps],
        "step": [step.number for step in steps],
        "training": [step.training for step in steps],
    }
    return Table(keys, columns)


def asked(metric: str, what: str, measure: Measure, recipe: Recipe) -> Mapping[str, float]:
    """Return the measurement of a varied recipe; an error names the variation that failed.

    Raises:
        VaehubError: If there is no such model, as with a network of fixed size.
        WorkFailed: If its training or measurement fails.
    """
    try:
        return measure(recipe)
    except WorkFailed:
        raise
    except VaehubError as error:
        raise VaehubError(
            f"metric {metric!r} asked for this model with {what}, which cannot be had: {error}"
        ) from error


def _start(params: SearchParams, recipe: Recipe, runner: Runner) -> int:
    if params.start is not None:
        return params.start
    data = runner.measure("intrinsic_dimension_mle", recipe, n_samples=params.n_samples, split=params.split)
    dimension = data.scalars["dimension"]
    if not math.isfinite(dimension):
        raise WorkFailed(f"the intrinsic dimension of the data is {dimension}; give a start: '-s metric.start=8'")
    return min(max(1, math.ceil(dimension)), params.maximum)


def _search_once(
    metric: str, params: SearchParams, recipe: Recipe, start: int | None, measure: Measure, steps: list[Step]
) -> Search[int]:
    """Carry out one search, and append its steps."""
    made: dict[int, tuple[str, Mapping[str, float]]] = {}
    with task(f"{metric}, {recipe.train.epochs} epochs") as advance:

        def gap(n: int) -> float:
            varied = recipe.vary(model={VARIED: n})
            made[n] = varied.id, asked(metric, f"{n} latents", measure, varied)
            advance(1, note=f"{n} latents: {made[n][1][GAP]:.3f}")
            return made[n][1][GAP]

        if start is None:
            found = supervised_search(gap, params.threshold, params.upper)
        else:
            found = search(gap, start, params.threshold, params.maximum)
    steps += [
        Step(recipe.train.epochs, number, made[visit.n][0], visit.n, visit.lower, visit.upper, made[visit.n][1])
        for number, visit in enumerate(found.visited, start=1)
    ]
    return found


def _refuse(metric: str, params: SearchParams, found: Search[int], epochs: int) -> NoReturn:
    if found.answer:
        last = next(visit for visit in found.visited if visit.n == found.answer)
        name = "upper" if params.search == "supervised" else "maximum"
        raise VaehubError(
            f"metric {metric!r} found no number of latents that is too great: with {last.n} the gap is {last.gap:.5g}, "
            f"at most the threshold of {params.threshold:g}; raise '-s metric.{name}=…' or lower 'metric.threshold'"
        )
    least = next(visit for visit in found.visited if visit.n == 1)
    raise VaehubError(
        f"metric {metric!r} found that one latent is too many: its gap is {least.gap:.5g} after {epochs} epochs, above "
        f"the threshold of {params.threshold:g}; train for longer, regularise less, or raise '-s metric.threshold=…'"
    )
