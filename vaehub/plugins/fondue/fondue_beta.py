"""FONDUE over beta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner, VaehubError, task
from vaehub.plugins.fondue.kernels import ratio_search
from vaehub.plugins.fondue.params import FondueBetaParams
from vaehub.plugins.fondue.sweep import Step, asked, check_prior, table_of, traces

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class FondueBeta(RecipeMetric[FondueBetaParams]):
    """The greatest beta for which noise adds no more variance than a threshold: the wish of Bonheme 2023, Section 8.9.

    The number of latents is the recipe's. The thesis gives no algorithm; this one bisects the logarithm of beta.
    """

    needs = Needs(varies="beta", variances=True, observations=2)

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse an empty range, and models with another prior."""
        check_prior(self.name, recipe, model)
        if self.params.lower >= self.params.upper:
            raise VaehubError(
                f"metric {self.name!r} searches from a lower beta to a greater one, got {self.params.lower:g} and "
                f"{self.params.upper:g}; raise '-s metric.upper=…'"
            )

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return the beta and every step of the search.

        Raises:
            VaehubError: If the whole range is on one side of the threshold; what was trained stays in the store.
        """
        params = self.params
        made: dict[float, tuple[str, Mapping[str, float]]] = {}
        with task(self.name) as advance:

            def gap(beta: float) -> float:
                varied = recipe.vary(model={"beta": beta})
                made[beta] = (
                    varied.id,
                    asked(self.name, f"a beta of {beta:g}", lambda each: traces(runner, each, params), varied),
                )
                advance(1, note=f"beta {beta:g}: {made[beta][1]['gap']:.3f}")
                return made[beta][1]["gap"]

            found = ratio_search(gap, params.lower, params.upper, params.threshold, tolerance=params.tolerance)
        if found.reached_maximum or not found.answer:
            self._refuse(found.visited[-1].n, found.visited[-1].gap)
        steps = [
            Step(recipe.train.epochs, number, made[visit.n][0], visit.n, visit.lower, visit.upper, made[visit.n][1])
            for number, visit in enumerate(found.visited, start=1)
        ]
        return Result(
            scalars={
                "beta": found.answer,
                "too_great": min(visit.n for visit in found.visited if visit.n > found.answer),
                "n_trained": len(steps),
                "is_monotone": found.is_monotone,
            },
            tables={"search": table_of(steps)},
        )

    def _refuse(self, beta: float, gap: float) -> None:
        above = gap > self.params.threshold
        raise VaehubError(
            f"metric {self.name!r} found no beta between {self.params.lower:g} and {self.params.upper:g} where the gap "
            f"crosses the threshold of {self.params.threshold:g}: at {beta:g} it is {gap:.5g}; "
            + ("lower '-s metric.lower=…', or take fewer latents" if above else "raise '-s metric.upper=…'")
        )

    def plot(self, result: Result) -> Figure:
        """Return the gap against beta, with the threshold and the order of the visits."""
        from vaehub.plugins.fondue.plots import plot_search

        return plot_search(result.tables["search"], result.scalars["beta"], self.params.threshold, "beta")
