"""The elbow method, which FONDUE is compared with: curves over numbers of latents, and their knees."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner, Table, VaehubError, task
from vaehub.plugins.fondue.kernels import knee
from vaehub.plugins.fondue.params import ElbowParams
from vaehub.plugins.fondue.sweep import VARIED, asked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FALLS = {"mse": True, "accuracy": False}
"""Whether a curve falls as latents become more."""


@final
class Elbow(RecipeMetric[ElbowParams]):
    """Reconstruction error and downstream accuracy as latents become more, and where either stops getting better.

    Bonheme 2023, Chapter 8, looks for such elbows by eye; here a knee is that of Satopää et al. 2011.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            varies=VARIED,
            decoder=True,
            classes=self.params.accuracy,
            instead={"classes": "leave out '-s metric.accuracy=true'"},
        )

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse numbers of latents that do not grow."""
        if list(self.params.latent_dims) != sorted(set(self.params.latent_dims)):
            given = ", ".join(map(str, self.params.latent_dims))
            raise VaehubError(
                f"metric {self.name!r} takes growing numbers of latents, got {given}; write them in order"
            )

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return both curves and their knees."""
        rows: list[dict[str, float]] = []
        ids: list[str] = []
        with task(self.name, len(self.params.latent_dims)) as advance:
            for n in self.params.latent_dims:
                varied = recipe.vary(model={VARIED: n})
                rows.append(dict(asked(self.name, f"{n} latents", lambda each: self._measured(runner, each), varied)))
                ids.append(varied.id)
                advance(1, note=f"{n} latents: {rows[-1]['mse']:.4f}")
        curves = {name: [row[name] for row in rows] for name in rows[0]}
        knees = {
            name: knee(self.params.latent_dims, curves[name], falls=FALLS[name]) for name in curves if name in FALLS
        }
        return Result(
            scalars={f"knee_{name}": found.at for name, found in knees.items()},
            tables={
                "curves": Table({VARIED: self.params.latent_dims, "training": ids}, curves),
                "knees": Table(
                    {"curve": list(knees), "reason": [found.reason or "it has a knee" for found in knees.values()]},
                    {
                        "knee": np.array([found.at for found in knees.values()]),
                        "distance": np.array([found.distance for found in knees.values()]),
                    },
                ),
            },
        )

    def _measured(self, runner: Runner, recipe: Recipe) -> dict[str, float]:
        error = runner.measure("reconstruction_error", recipe, split=self.params.split, z=self.params.z).scalars
        found = {name: error[name] for name in ("mse", "squared_error", "reconstruction") if name in error}
        if self.params.accuracy:
            probe = runner.measure(
                "downstream_probe", recipe, subsets=("all",), representations=("mean",), test_split=self.params.split
            )
            found["accuracy"] = float(probe.tables["mean"].columns["mean_test_accuracy"][0])
        return found

    def plot(self, result: Result) -> Figure:
        """Return each curve, with its knee."""
        from vaehub.plugins.fondue.plots import plot_elbows

        return plot_elbows(result)
