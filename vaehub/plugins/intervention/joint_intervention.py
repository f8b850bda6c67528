"""Interventions on growing sets of latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result, Vector
from vaehub.plugins.intervention.kernels import errors_at_mean, greedy_contributions
from vaehub.plugins.intervention.params import JointInterventionParams
from vaehub.plugins.intervention.subject import ERRORS, Subject, check_samples, check_structural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class JointIntervention(ModelMetric):
    """Which latents, set to their means together, take off what sampling adds: Müller et al. 2025, for sets.

    Starting from samples, the latent is set next whose setting lowers the error most, given those that are set already.
    All steps change the same samples. The last step sets all, so that contributions add up to what sampling adds, which
    those of single interventions do only where latents do not interact.
    """

    Params = JointInterventionParams
    params: JointInterventionParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models that do not sample, and data that do not fit."""
        check_samples("joint_intervention", self.params, model, data)
        if self.params.error == "ssim":
            check_structural("joint_intervention", data, instead="'-s metric.error=mse' takes any")

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the order of latents, and the error after each step."""
        subject = Subject.drawn(model, data, self.params, self.generator("rows"))
        mu, error = subject.mu, ERRORS[self.params.error]
        random = self.generator("noise", device=mu.device)
        samples = [mu + subject.sigma * subject.noise(random) for _ in range(self.params.n_noise)]

        def errors_of(is_set: Tensor) -> Tensor:
            is_set = is_set.to(mu.device)
            total = torch.zeros(len(is_set), dtype=torch.float64, device=mu.device)
            for at, x in subject.batches():
                for z in samples:
                    total += errors_at_mean(model.decode, mu[at], z[at, None], x, is_set, error).sum(dim=0)
            return total.cpu() / (len(mu) * len(samples))

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
            },
            vectors={
                "order": Vector(found.order, index="step"),
                "joint_error": Vector(found.errors, index="n_set"),
                "joint_share": Vector(found.shares, index="n_set"),
                "joint_contribution": Vector(found.contributions),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return the error against the number of latents that are set, each step named for its latent."""
        from vaehub.plugins.intervention.pictures import axes_of

        errors, order = result.vectors["joint_error"].values, result.vectors["order"].values
        figure, axes = axes_of(["none", *(f"{int(latent)}" for latent in order)])
        axes.plot(range(len(errors)), errors, marker="o", markersize=3, color="tab:blue")
        axes.axhline(errors[-1], color="grey", linewidth=1, linestyle="--")
        axes.set_xlabel("latents at their means: this one and all before it")
        axes.set_ylabel("error")
        # Where samples are better than means, or as good, there is nothing to take off.
        if result.scalars["n_explaining"] > 0 and result.scalars["recon_difference"] > 0:
            n = int(result.scalars["n_explaining"])
            axes.axvline(n, color="tab:red", linewidth=1)
            share = result.vectors["joint_share"].values[n]
            axes.set_title(
                f"{n} of {len(order)} latents (line) take off {share:.0%} of what sampling adds", fontsize=10
            )
        return figure
