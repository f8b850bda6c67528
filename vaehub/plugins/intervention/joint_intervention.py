"""Interventions on growing sets of latents."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, final

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.analysis import PALETTE, frame, label_columns, new_figure
from vaehub.plugins.intervention.intervention import error_needs
from vaehub.plugins.intervention.kernels import greedy_contributions
from vaehub.plugins.intervention.params import JointInterventionParams
from vaehub.plugins.intervention.posteriors import Posteriors
from vaehub.plugins.intervention.ssim import ERRORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class JointIntervention(ModelMetric[JointInterventionParams]):
    """Which latents, fixed jointly to their means, remove the error that sampling adds: Müller et al. 2025, for sets.

    Starting from samples, each step fixes the latent that lowers the error most, given those that are fixed already.
    All steps change the same samples. The last step fixes all latents, so that contributions add up to the error that
    sampling adds; those of single interventions do so only where latents do not interact.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return error_needs(self.params)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the order of latents, and the error after each step."""
        posteriors = Posteriors.of(model, self.draw(model, data, ascending=False))
        samples = posteriors.draws(self.params.n_noise, self.generator("noise", device=posteriors.mu.device))
        errors_of = partial(posteriors.errors_of_sets, samples, error=ERRORS[self.params.error])
        found = greedy_contributions(errors_of, model.latent_dim)
        is_defined = not bool(found.shares.isnan().any())
        enough = found.shares >= self.params.explained
        return Result(
            scalars={
                "recon_sample": float(found.errors[0]),
                "recon_mean": float(found.errors[-1]),
                "recon_difference": float(found.errors[0] - found.errors[-1]),
                "ratios_are_undefined": not is_defined,
                "n_explaining": int(enough.int().argmax()) if is_defined else float("nan"),
                "n_samples": len(posteriors.mu),
            },
            vectors={
                "order": Vector(found.order, index="step"),
                "joint_error": Vector(found.errors, index="n_set"),
                "joint_share": Vector(found.shares, index="n_set"),
                "joint_contribution": Vector(found.contributions),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the error after each step, labelled with the latent that the step fixes."""
        errors, order = result.vectors["joint_error"].values, result.vectors["order"].values
        figure = new_figure(max(6.0, 0.22 * len(errors)), 3.6)
        axes = figure.subplots()
        axes.plot(range(len(errors)), errors, marker="o", markersize=3, color=PALETTE[0])
        axes.axhline(errors[-1], color="grey", linewidth=1, linestyle="--")
        frame(axes)
        label_columns(axes, ["none", *(f"{int(latent)}" for latent in order)])
        axes.set_xlabel("latents fixed to their means: this one and all before it")
        axes.set_ylabel("error")
        # Where samples are as good as means, or better, there is nothing to remove.
        if result.scalars["n_explaining"] > 0 and result.scalars["recon_difference"] > 0:
            n = int(result.scalars["n_explaining"])
            axes.axvline(n, color=PALETTE[3], linewidth=1)
            share = result.vectors["joint_share"].values[n]
            axes.set_title(f"{n} of {len(order)} latents (line) remove {share:.0%} of what sampling adds", fontsize=10)
        return figure
