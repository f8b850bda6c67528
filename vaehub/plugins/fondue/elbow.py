"""The elbow method, which FONDUE is compared with: curves over numbers of latents, and their knees."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from vaehub import Dataset, LatentModel, Needs, Recipe, RecipeMetric, Result, Runner, Table, VaehubError, task
from vaehub.plugins.fondue.knees import knee, steadiest
from vaehub.plugins.fondue.params import ElbowParams
from vaehub.plugins.fondue.sweep import VARIED, asked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FALLS = {"distortion": True, "mse": True, "accuracy": False}
"""Whether a curve falls as latents become more; those that knees are looked for in."""
ERRORS = ("distortion", "mse", "squared_error")


@final
class Elbow(RecipeMetric[ElbowParams]):
    """Reconstruction loss and downstream accuracy as latents become more, and where either stops getting better.

    Bonheme 2023, Section 8.4.1: each number of latents is trained with several seeds, and boosted trees classify labels
    by means. She looks for elbows by eye; here a knee is that of Satopää et al. 2011 in the mean over seeds, and
    ``steadiest`` goes by the rule of Mai Ngoc & Hwang 2020 that she cites.
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
        """Return all curves, a row for each training, their means over seeds and the knees of these."""
        places, n_seeds = self.params.latent_dims, self.params.n_seeds
        trainings = [
            recipe.vary(seed=recipe.seed + shift, model={VARIED: n}) for n in places for shift in range(n_seeds)
        ]
        rows: list[dict[str, float]] = []
        with task(self.name, len(trainings)) as advance:
            for varied, n in zip(trainings, np.repeat(places, n_seeds), strict=True):
                rows.append(dict(asked(self.name, f"{n} latents", lambda each: self._measured(runner, each), varied)))
                advance(1, note=f"{n} latents: {rows[-1]['mse']:.4f}")
        curves = {name: np.array([row[name] for row in rows]).reshape(len(places), n_seeds) for name in rows[0]}
        means = {name: values.mean(axis=1) for name, values in curves.items()}
        knees = {name: knee(places, means[name], falls=falls) for name, falls in FALLS.items() if name in means}
        scalars = {f"knee_{name}": found.at for name, found in knees.items()}
        if "accuracy" in curves and n_seeds > 1:
            scalars["steadiest"] = steadiest(places, curves["accuracy"]).at
        return Result(
            scalars=scalars,
            tables={
                "curves": Table(
                    {
                        VARIED: np.repeat(places, n_seeds).tolist(),
                        "seed": [varied.seed for varied in trainings],
                        "training": [varied.id for varied in trainings],
                    },
                    {name: values.reshape(-1) for name, values in curves.items()},
                ),
                "means": Table({VARIED: places}, _over_seeds(curves)),
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
        params = self.params
        error = runner.measure("reconstruction_error", recipe, split=params.split, z=params.z).scalars
        found = {name: error[name] for name in ERRORS if name in error}
        if params.accuracy:
            probe = runner.measure(
                "downstream_probe",
                recipe,
                classifiers=(params.classifier,),
                trees=params.trees,
                subsets=("all",),
                representations=("mean",),
                test_split=params.split,
            )
            found["accuracy"] = float(probe.tables["mean"].columns["mean_test_accuracy"][0])
        return found

    def plot(self, result: Result) -> Figure:
        """Return each curve, with its knee."""
        from vaehub.plugins.fondue.plots import plot_elbows

        return plot_elbows(result)


def _over_seeds(curves: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the mean of each curve, and its standard deviation where there are several seeds."""
    found = {}
    for name, values in curves.items():
        found[f"{name}_mean"] = values.mean(axis=1)
        if values.shape[1] > 1:
            found[f"{name}_deviation"] = values.std(axis=1, ddof=1)
    return found
