"""What is gained and lost when significant latents are set to their means together."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.analysis import PALETTE, frame, label_columns, new_figure
from vaehub.plugins.intervention.intervention import check_significance, error_needs, n_above
from vaehub.plugins.intervention.kernels import (
    Contributions,
    by_ratio,
    from_errors,
    growing_sets,
    kept_shares,
    removed_shares,
)
from vaehub.plugins.intervention.params import InterventionTradeoffParams
from vaehub.plugins.intervention.posteriors import Posteriors, decoded
from vaehub.plugins.intervention.ssim import ERRORS, SIDE, mean_dissimilarity, pair_dissimilarity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = {
    "joint_share": "error of sampling removed",
    "diversity_share": "diversity of images kept",
    "variety_share": "variety of one image's samples kept",
}
"""What the lines of the picture show, by vector."""


@final
class InterventionTradeoff(ModelMetric[InterventionTradeoffParams]):
    """How much error is removed, and how much variety kept, as the most significant latents are set to their means.

    Müller et al. 2025 propose it without carrying it out: to intervene on the most significant latents alone should
    remove most of the error and keep reconstructions varied (Section 4.2; the trade-off of Section 1.6). Latents are
    set in the order of their ratios, one after the other as in Appendix D. What is kept is 1 - SSIM (Section 2.2) of
    pairs of reconstructions: of different images (diversity), and of two samples of the same image (variety).
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return replace(
            error_needs(self.params),
            observations=2,
            side=SIDE,
            instead=dict.fromkeys(("images", "side"), "'joint_intervention' takes any"),
        )

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a threshold that no ratio can exceed."""
        check_significance(self.name, self.params.significance, model.latent_dim)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return errors, diversity and variety by the number of latents that are set."""
        posteriors = Posteriors.of(model, self.draw(model, data, ascending=False))
        device, error = posteriors.mu.device, ERRORS[self.params.error]
        samples, others = (
            posteriors.draws(self.params.n_noise, self.generator(purpose, device=device))
            for purpose in ("noise", "other noise")
        )
        single = torch.eye(model.latent_dim, dtype=torch.bool)
        none_and_all = torch.tensor([[False], [True]]).expand(2, model.latent_dim)
        found = from_errors(posteriors.errors_of_sets(samples, torch.cat([none_and_all, single]), error))
        order = by_ratio(found)
        is_set = growing_sets(order)
        errors = posteriors.errors_of_sets(samples, is_set, error)
        diversity, variety = self._varied(posteriors, samples, others, is_set)
        shares = {
            "joint_share": removed_shares(errors),
            "diversity_share": kept_shares(diversity),
            "variety_share": kept_shares(variety),
        }
        return Result(
            scalars={
                "recon_sample": float(found.sample_error),
                "recon_mean": float(found.mean_error),
                "recon_difference": float(found.base),
                "ratios_are_undefined": bool(found.ratios.isnan().any()),
                "diversity_sample": float(diversity[0]),
                "variety_sample": float(variety[0]),
                "n_samples": len(posteriors.mu),
                **self._significant(found, shares),
            },
            vectors={
                "order": Vector(order, index="step"),
                "ratio": Vector(found.ratios),
                "joint_error": Vector(errors, index="n_set"),
                **{name: Vector(values, index="n_set") for name, values in shares.items()},
            },
        )

    def _varied(
        self, posteriors: Posteriors, samples: list[Tensor], others: list[Tensor], is_set: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return diversity and variety when each set of latents is at its means, shape ``(n_sets,)`` each."""
        model, mu = posteriors.model, posteriors.mu[: self.params.n_images]
        is_set = is_set.to(mu.device)
        varied = torch.zeros(len(is_set), 2, dtype=torch.float64)
        for z, other in zip(samples, others, strict=True):
            for place, latents in enumerate(is_set):
                images, again = (decoded(model, torch.where(latents, mu, each[: len(mu)])).cpu() for each in (z, other))
                varied[place, 0] += mean_dissimilarity(images)
                varied[place, 1] += pair_dissimilarity(images, again)
        diversity, variety = (varied / len(samples)).unbind(dim=1)
        return diversity, variety

    def _significant(self, found: Contributions, shares: dict[str, Tensor]) -> dict[str, float]:
        """Return how many latents are significant, and each share when these are set."""
        threshold = self.params.significance / len(found.ratios)
        n = n_above(found.ratios, threshold)
        names = ("significant_share", "significant_diversity", "significant_variety")
        at_n = [float("nan") if math.isnan(n) else float(each[int(n)]) for each in shares.values()]
        return {"threshold": threshold, "significant_dims": n, **dict(zip(names, at_n, strict=True))}

    def plot(self, result: Result) -> Figure:
        """Return the three shares by the latents that are set, with a line where all significant ones are."""
        order, n = result.vectors["order"].values, result.scalars["significant_dims"]
        figure = new_figure(max(6.0, 0.3 * len(order)), 3.8)
        axes = figure.subplots()
        for colour, (name, label) in zip(PALETTE, LINES.items(), strict=False):
            values = result.vectors[name].values
            axes.plot(range(len(values)), values, marker="o", markersize=3, color=colour, label=label)
        frame(axes)
        label_columns(axes, ["none", *(f"{int(latent)}" for latent in order)])
        axes.set_xlabel("latents set to their means: this one and all before it")
        axes.set_ylabel("share")
        axes.legend(frameon=False, fontsize=8)
        if not math.isnan(n):
            axes.axvline(n, color=PALETTE[3], linewidth=1)
            axes.set_title(f"{int(n)} of {len(order)} latents are significant (line)", fontsize=10)
        return figure
