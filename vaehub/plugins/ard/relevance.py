"""The relevance of each latent."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import DataError, Dataset, LatentModel, ModelMetric, Result, VaehubError
from vaehub.plugins.ard.kernels import encoded_variance, is_relevant, relevance_weights
from vaehub.plugins.ard.params import RelevanceParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class Relevance(ModelMetric):
    """How much each latent matters: how strongly the decoder reacts to it, times how much it varies.

    Saha, Joshi & Whitaker 2025, Section 3.4: the weight of Eq. 19 times the estimated variance of the latent (Eq. 20).
    A latent is active if it is among the fewest that together exceed 99 % of the total relevance. Works for every model
    with an encoder and a differentiable decoder. The paper does not say which variance other models get; here it is
    that of the encoded data, Var(mu) + mean(sigma^2).
    """

    Params = RelevanceParams
    params: RelevanceParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a model without a decoder, too few observations, and a prior that is not learned where it must be."""
        if not model.decodes:
            raise VaehubError("metric 'relevance' needs a model with a decoder, and this one has none; 'vae' has")
        n = len(data.split(self.params.part))
        if n < self.params.n_samples:
            raise DataError(
                f"metric 'relevance' averages over {self.params.n_samples} observations, and the split "
                f"{self.params.part!r} has {n}; set '-s metric.n_samples={n}' or less"
            )
        if self.params.variance == "prior" and model.learned_prior_variance is None:
            raise VaehubError(
                "metric 'relevance' with variance 'prior' needs a model with a learned prior, and this one has none; "
                "'ard' does, and 'auto' works for all"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the relevance of each latent with its two factors, and the number of active ones."""
        part = data.split(self.params.part)
        rows = torch.randperm(len(part), generator=self.generator("rows"))[: self.params.n_samples]
        posterior = model.encode_all(part.subset(rows))
        noise = self.generator("noise", device=model.device)
        z = posterior.mu if self.params.at == "mean" else posterior.sample(noise)
        weight = relevance_weights(model.decode, z, average=self.params.jacobian)
        variance = self._variance(model, part).to(weight)
        relevance = weight * variance
        active = is_relevant(relevance, self.params.explained)
        total = relevance.sum()
        return Result(
            scalars={"n_active": int(active.sum()), "is_collapsed": bool(total == 0)},
            vectors={
                "relevance": relevance,
                "share": relevance / total,
                "weight": weight,
                "variance": variance,
                "active": active.double(),
            },
        )

    def _variance(self, model: LatentModel, data: Dataset) -> Tensor:
        learned = model.learned_prior_variance
        kind = self.params.variance
        if kind == "one":
            return torch.ones(model.latent_dim)
        if kind == "prior" or (kind == "auto" and learned is not None):
            assert learned is not None, "check() refused it"
            return learned
        return encoded_variance(model, data, about_zero=kind == "second_moment")

    def plot(self, result: Result) -> Figure:
        """Return bars of the relevance, sorted, active latents in colour."""
        from matplotlib.figure import Figure

        relevance = result.vectors["relevance"].values
        active = result.vectors["active"].values > 0
        order = (-relevance).argsort(kind="stable")
        figure = Figure(figsize=(max(6.0, 0.22 * len(relevance)), 3.6), layout="constrained")
        axes = figure.subplots()
        colours = ["tab:blue" if active[latent] else "lightgrey" for latent in order]
        axes.bar(range(len(order)), relevance[order], color=colours)
        axes.set_xticks(range(len(order)), [str(latent) for latent in order], rotation=90, fontsize=7)
        axes.set_xlabel("latent, from the most relevant down")
        axes.set_ylabel("relevance (weight times variance)")
        axes.set_title(f"{int(result.scalars['n_active'])} of {len(relevance)} latents are active")
        axes.spines[["top", "right"]].set_visible(False)
        return figure
