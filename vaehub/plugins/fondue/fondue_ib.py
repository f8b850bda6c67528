"""FONDUE by the information bottleneck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner
from vaehub.plugins.fondue.kernels import rounded_down
from vaehub.plugins.fondue.params import FondueIbParams
from vaehub.plugins.fondue.sweep import check_search, figure_of, needs_of, result_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DECIMALS = 2


@final
class FondueIb(RecipeMetric[FondueIbParams]):
    """The greatest number of latents whose entropy does not exceed the information in reconstructions.

    Bonheme 2023, Algorithms 3, 4 and 7: entropy of z less the information of observation and reconstruction, in bits.
    """

    @property
    def needs(self) -> Needs:
        """What the search needs."""
        return needs_of(self.params, decoder=True)

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse searches that cannot begin."""
        check_search(self.name, self.params, recipe)

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return the number of latents and every step of the search."""
        params = self.params

        def informations(varied: Recipe) -> Mapping[str, float]:
            found = runner.measure(
                "information_plane",
                varied,
                n_samples=params.n_samples,
                split=params.split,
                batch=params.batch,
                logits=params.logits,
                compat=params.compat,
            )
            both = torch.tensor(
                [found.scalars["entropy_z"], found.scalars["information_x_reconstruction"]], dtype=torch.float64
            )
            if params.truncate and not params.compat:  # which has truncated them
                both = rounded_down(both, DECIMALS)
            entropy, information = both.tolist()
            # 6.27 - 6.28 is a little more than -0.01 in binary, and would miss a threshold that it meets.
            gap = round(entropy - information, 9)
            return {"gap": gap, "entropy_z": entropy, "information_x_reconstruction": information}

        return result_of(self.name, params, recipe, runner, informations)

    def plot(self, result: Result) -> Figure:
        """Return the gap against the number of latents, with the threshold and the order of the visits."""
        return figure_of(result, self.params)
