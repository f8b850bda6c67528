"""The relevance of each latent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result
from vaehub.analysis import MUTED, PALETTE, Derivatives, bars, in_double, new_figure
from vaehub.plugins.ard.kernels import encoded_variance, is_relevant, n_relevant, relevance_gap, weights_of
from vaehub.plugins.ard.params import RelevanceParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NARROW_GAP = 1.5
"""A cut between two latents whose relevances differ by less is arbitrary; ours, the paper cuts wherever 99 % falls."""
OTHER_CUTS = {"n_active_98": 0.98, "n_active_99_5": 0.995}
"""Shares of the relevance whose counts stand beside the one asked for."""

log = logging.getLogger(__name__)

ACTIVE = PALETTE[0]
"""Colour of active latents."""


@final
class Relevance(ModelMetric[RelevanceParams]):
    """How much each latent matters: how strongly the decoder reacts to it, times how much it varies.

    Saha, Joshi & Whitaker 2025, Section 3.4: the weight of Eq. 19 times the estimated variance of the latent (Eq. 20).
    A latent is active if it is among the fewest that together exceed 99 % of the total relevance. Works for every model
    with an encoder and a decoder that is not random. The paper does not say which variance other models get; here it is
    that of the encoded data, Var(mu) + mean(sigma^2).

    The paper cuts at 99 % and does not say how sure the count is. Here the counts at 98 and 99.5 % stand beside it, and
    the gap at the cut: a count that moves with the share, or a gap near 1, is one that has not converged. Of a model
    that chooses its latents itself, by gates or a mask, its own count stands beside them.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(
            derivatives=True,
            learned_prior=self.params.variance == "prior",
            instead={"learned_prior": "'ard' has, and '-s metric.variance=auto' works for all"},
        )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the relevance of each latent with its two factors, and the number of active ones."""
        sample = self.draw(model, data)
        z = (sample.mu if self.params.at == "mean" else sample.z).to(model.device, torch.float32)
        derivatives = Derivatives(model.decode)
        weight = weights_of(model, z, derivatives, self.params.jacobian)
        variance = self._variance(model, data.split(self.params.split)).to(weight)
        relevance = weight * variance
        active = is_relevant(relevance, self.params.explained)
        n_active, total = int(active.sum()), relevance.sum()
        gap = relevance_gap(relevance, n_active)
        if gap < NARROW_GAP:
            log.warning(
                "latent %d of %d is %.2f times as relevant as the next: the number of active latents depends on where "
                "it is cut, as it does until unused latents have lost their relevance; train for longer",
                n_active,
                model.latent_dim,
                gap,
            )
        return Result(
            scalars={
                "n_active": n_active,
                **{name: n_relevant(relevance, share) for name, share in OTHER_CUTS.items()},
                "gap": gap,
                **({} if (selected := model.selected_latents) is None else {"n_selected": int(selected.sum())}),
                "is_collapsed": bool(total == 0),
                "n_samples": sample.n,
            },
            vectors={
                "relevance": relevance,
                "share": relevance / total,
                "weight": weight,
                "variance": variance,
                "active": in_double(active),
            },
            tables=derivatives.tables(),
        )

    def _variance(self, model: LatentModel, data: Dataset) -> Tensor:
        learned = model.learned_prior_variance
        kind = self.params.variance
        if kind == "one":
            return torch.ones(model.latent_dim)
        if kind == "prior" or (kind == "auto" and learned is not None):
            assert learned is not None, "refused without"
            return learned
        return encoded_variance(model, data, about_zero=kind == "second_moment")

    def plot(self, result: Result) -> Figure:
        """Return bars of the relevance, sorted, active latents in colour."""
        relevance = result.vectors["relevance"].values
        active = result.vectors["active"].values > 0
        order = (-relevance).argsort(kind="stable")
        figure = new_figure(max(6.0, 0.22 * len(relevance)), 3.6)
        axes = figure.subplots()
        colours = [ACTIVE if active[latent] else MUTED for latent in order]
        bars(axes, relevance[order], [str(latent) for latent in order], colours=colours)
        axes.set_xlabel("latent, from the most relevant down")
        axes.set_ylabel("relevance (weight times variance)")
        axes.set_title(f"{int(result.scalars['n_active'])} of {len(relevance)} latents are active")
        return figure
