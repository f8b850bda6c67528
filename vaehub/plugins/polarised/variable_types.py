"""What each latent is."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Vector
from vaehub.analysis import bin_counts, equal_width_bins
from vaehub.plugins.polarised.latents import Latents
from vaehub.plugins.polarised.params import VariableTypesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class VariableTypes(ModelMetric[VariableTypesParams]):
    """Which latents a model uses always, for some observations, or never: Bonheme 2023, Section 6.4.1.

    Where the prior is not standard normal, the thesis has its rule "slightly updated" and does not say how: here the
    rule is of posterior variances in units of the prior's, and the means of a passive latent must follow the prior's.
    """

    needs = Needs(variances=True, more_than_latents=True)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return types, the statistics that decide them, and histograms."""
        sample = self.draw(model, data)
        latents = Latents.of(model, sample, self.params)
        statistics = _moments("variance", sample.variance) | _moments("mu", sample.mu)
        if latents.is_relative:
            statistics |= _moments("ratio", latents.ratio) | {"shift_variance": Vector(latents.shift_variance)}
        return Result(
            scalars=latents.scalars(),
            vectors={"type": latents.type_vector(), **statistics},
            arrays={"rows": sample.rows, **self._histograms(latents)},
        )

    def _histograms(self, latents: Latents) -> dict[str, Tensor]:
        """Return counts ``(latent_dim, n_bins)`` and edges of each representation."""
        sample = latents.sample
        shown = {"mean": sample.mu, "variance": sample.variance, "sampled": sample.z}
        if latents.is_relative:
            shown |= {"ratio": latents.ratio}
        prior = {"prior_mean": latents.prior_mu, "prior_variance": latents.prior_variance}
        shown |= {name: values for name, values in prior.items() if (values != values[0]).any()}
        if latents.is_relative:
            # The prior of one latent may have variances of several orders of magnitude, and that of another other ones.
            shown |= {"logvar": sample.logvar, "prior_logvar": latents.prior_variance.log()}
        found: dict[str, Tensor] = {}
        for name, values in shown.items():
            codes, edges = equal_width_bins(values, self.params.n_bins)
            found |= {f"{name}_counts": bin_counts(codes, self.params.n_bins), f"{name}_edges": edges}
        return found

    def plot(self, result: Result) -> Figure:
        """Return a histogram for each latent and representation, coloured by type, active latents first."""
        from vaehub.plugins.polarised.plots import ridges

        return ridges(result)


def _moments(name: str, values: Tensor) -> dict[str, Vector]:
    """Return mean and variance (``ddof=0``) of each latent over observations."""
    return {
        f"{name}_mean": Vector(values.mean(dim=0)),
        f"{name}_variance": Vector(values.var(dim=0, correction=0)),
    }
