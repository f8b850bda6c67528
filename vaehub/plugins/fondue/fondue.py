"""FONDUE by traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner
from vaehub.plugins.fondue.params import FondueParams
from vaehub.plugins.fondue.sweep import check_prior, check_search, figure_of, needs_of, result_of, traces

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Fondue(RecipeMetric[FondueParams]):
    """The greatest number of latents for which noise adds no more variance than a threshold.

    Bonheme 2023, Algorithms 1, 2 and 8. A passive latent adds 1, so that at the published threshold of 1 there is none.
    """

    @property
    def needs(self) -> Needs:
        """What the search needs."""
        return needs_of(self.params)

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse searches that cannot begin, and models with another prior."""
        check_prior(self.name, recipe, model)
        check_search(self.name, self.params, recipe)

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return the number of latents and every step of the search."""
        return result_of(self.name, self.params, recipe, runner, lambda each: traces(runner, each, self.params))

    def plot(self, result: Result) -> Figure:
        """Return the gap against the number of latents, with the threshold and the order of the visits."""
        return figure_of(result, self.params)
