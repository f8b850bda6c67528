"""A trained linear VAE beside the optimum that the data's covariance predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
from torch import Tensor, nn

from vaehub import Dataset, LatentModel, ModelMetric, Result, VaehubError, Vector
from vaehub.analysis import PALETTE, frame, new_figure
from vaehub.plugins.linear_vae.kernels import (
    diagonal_variance,
    linear_posterior,
    mean_distance,
    predicted_variance,
    spectral_solution,
)
from vaehub.plugins.linear_vae.model import LinearVae, only_map
from vaehub.plugins.linear_vae.moments import Moments
from vaehub.plugins.linear_vae.params import LinearVaeTheoryParams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_CURVES = 12
"""Curves that a reader can distinguish in one plot."""


@final
class LinearVaeTheory(ModelMetric[LinearVaeTheoryParams]):
    """Which latents should be active and how precise, from the data alone, and what training made of it.

    Bonheme 2023, Eqs. 4.15, 4.16, 4.23 and 4.24; Lucas et al. 2019. The prediction is for the model's own beta and
    variance of the decoder, learned or not. Latents are listed by increasing variance in both, as the
    order of trained latents is arbitrary.
    """

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse other models."""
        if not isinstance(model, LinearVae):
            raise VaehubError(
                f"metric {self.name!r} needs the model 'linear_vae', whose optimum is known, and this is another; "
                "'variable_types' finds the active and passive latents of any VAE"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return variances predicted and trained, and how far the encoder is from the best one of its decoder."""
        assert isinstance(model, LinearVae), "refused if another"
        beta, gamma = model.params.beta, model.log_gamma.cpu().double().exp()
        split = self.draw_observations(data, "all").data
        moments = Moments.of(split)
        eigenvalues, vectors, rest = moments.leading(model.latent_dim)
        predicted = predicted_variance(eigenvalues, gamma, beta)
        trained, order = model.logvar.cpu().double().exp().sort()
        weights, bias = _weights_and_bias(model.network.decoder)
        encoder, offset = _weights_and_bias(model.network.encoder)
        best, _ = linear_posterior(weights, gamma, beta)
        difference = encoder - best
        mean_error = mean_distance(
            difference @ moments.mean + offset + best @ bias,
            moments.variance_along(difference),
            moments.variance_along(best),
        )
        best_gamma = spectral_solution(moments.mean, eigenvalues, vectors, rest, None, beta)[2]
        n_active = int((eigenvalues > beta * gamma).sum())
        error = trained - predicted
        return Result(
            scalars={
                "beta": beta,
                "gamma": float(gamma),
                "best_gamma": float(best_gamma),
                "threshold": float(beta * gamma),
                "n_predicted_active": n_active,
                "n_predicted_passive": model.latent_dim - n_active,
                "n_trained_active": int((trained < self.params.active_below).sum()),
                "max_difference": float(error.abs().max()),
                "mean_error": float(mean_error),
                "n_samples": len(split),
            },
            vectors={
                "trained_variance": Vector(trained, "rank"),
                "predicted_variance": Vector(predicted, "rank"),
                "difference": Vector(error, "rank"),
                "variance_of_decoder": Vector(diagonal_variance(weights, gamma, beta)[order], "rank"),
                "eigenvalue": Vector(eigenvalues, "rank"),
                "latent": Vector(order, "rank"),
            },
        )

    def plot(self, result: Result) -> Figure:
        """Return predicted against trained variances, and how each grows with beta until it is that of the prior."""
        figure = new_figure(10.5, 4.2)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
        _draw_comparison(left, result)
        _draw_thresholds(right, result)
        for axes in (left, right):
            frame(axes)
        return figure


def _weights_and_bias(module: nn.Module) -> tuple[Tensor, Tensor]:
    found = only_map(module)
    return found.weight.cpu().double(), found.bias.cpu().double()


def _draw_comparison(axes: Axes, result: Result) -> None:
    predicted, trained = (result.vectors[f"{name}_variance"].values for name in ("predicted", "trained"))
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    axes.scatter(predicted, trained, s=24, alpha=0.7, color=PALETTE[0], zorder=3)
    axes.set_xlabel("predicted posterior variance")
    axes.set_ylabel("trained posterior variance")
    counts = (int(result.scalars[f"n_{name}_active"]) for name in ("predicted", "trained"))
    axes.set_title("active of {}: {} predicted, {} trained".format(len(predicted), *counts), fontsize=10)


def _draw_thresholds(axes: Axes, result: Result) -> None:
    from matplotlib import colormaps

    gamma, beta = result.scalars["gamma"], result.scalars["beta"]
    eigenvalues = result.vectors["eigenvalue"].values
    shown = eigenvalues[eigenvalues > 0][:N_CURVES]
    reach = [beta, *(shown / gamma)]
    betas = np.geomspace(min(reach) / 3, max(reach) * 3, 400)
    colours = colormaps["viridis"](np.linspace(0, 0.9, max(len(shown), 1)))
    for eigenvalue, colour in zip(shown, colours, strict=True):
        axes.plot(betas, np.minimum(1, betas * gamma / eigenvalue), color=colour, linewidth=1.4)
    axes.axvline(beta, color=PALETTE[3], linewidth=1, label=f"this model, beta = {beta:g}")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("beta")
    axes.set_ylabel("predicted posterior variance")
    which = f"the {len(shown)} greatest eigenvalues" if len(shown) < len(eigenvalues) else "eigenvalues"
    axes.set_title(f"of {which}, the greatest dark; gamma kept at {gamma:.3g}", fontsize=10)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
