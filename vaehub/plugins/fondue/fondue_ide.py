"""FONDUE by intrinsic dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner, WorkFailed
from vaehub.plugins.fondue.params import FondueIdeParams
from vaehub.plugins.fondue.sweep import VARIED, check_search, figure_of, needs_of, result_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REPRESENTATIONS = ("mean", "sampled")
OF_THE_ESTIMATE = ("k", "aggregation", "normaliser", "anchor", "runs", "max_duplicates")
"""Parameters that are passed on to ``representation_dimension``."""


@final
class FondueIde(RecipeMetric[FondueIdeParams]):
    """The greatest number of latents for which noise adds no more dimensions than a threshold.

    Bonheme 2023, Algorithms 5 and 6: intrinsic dimension of the sampled representation less that of the mean one, by
    maximum likelihood. Table D.4 has 5 runs over 80 % of the observations (``preset=thesis-code``).
    """

    @property
    def needs(self) -> Needs:
        """What the search needs."""
        return needs_of(self.params, observations=self.params.k + 1)

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse searches that cannot begin."""
        check_search(self.name, self.params, recipe)

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return the number of latents and every step of the search."""

        def dimensions(varied: Recipe) -> Mapping[str, float]:
            found = runner.measure(
                "representation_dimension",
                varied,
                of=REPRESENTATIONS,
                **{name: getattr(self.params, name) for name in OF_THE_ESTIMATE},
                n_samples=self.params.n_samples,
                split=self.params.split,
            )
            of_mean, of_sampled = found.vectors["mle"].values.tolist()
            for name, dimension in zip(REPRESENTATIONS, (of_mean, of_sampled), strict=True):
                if math.isnan(dimension):
                    raise WorkFailed(
                        f"metric {self.name!r} compares dimensions, and with "
                        f"{varied.model.params.model_dump()[VARIED]} latents the {name} representation has "
                        "no dimension, since it is all but the same for all observations; "
                        "train for longer, or regularise less"
                    )
            return {"gap": of_sampled - of_mean, "dimension_mean": of_mean, "dimension_sampled": of_sampled}

        return result_of(self.name, self.params, recipe, runner, dimensions)

    def plot(self, result: Result) -> Figure:
        """Return the gap against the number of latents, with the threshold and the order of the visits."""
        return figure_of(result, self.params)
