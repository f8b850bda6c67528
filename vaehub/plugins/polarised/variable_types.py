"""What each latent is."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result, Vector
from vaehub.analysis import equal_width_bins
from vaehub.plugins.polarised.binning import counts
from vaehub.plugins.polarised.encoded import Encoded, check_encodes, type_counts, type_vector
from vaehub.plugins.polarised.params import VariableTypesParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class VariableTypes(ModelMetric):
    """Which latents a model uses always, for some observations, or never: Bonheme 2023, Section 6.4.1.

    Where the prior is not standard normal, the thesis has its rule "slightly updated" and does not say how: here the
    rule is of posterior variances in units of the prior's, and the means of a passive latent must follow the prior's.
    """

    Params = VariableTypesParams
    params: VariableTypesParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models without posterior variances, and no more observations than latents."""
        check_encodes("variable_types", self.params, model, data)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return types, what they were told from, and histograms."""
        encoded = Encoded.drawn(model, data, self.params, self.generator("rows"), self.generator("noise"))
        types = encoded.types(self.params.alpha)
        statistics = _moments("variance", encoded.variance) | _moments("mu", encoded.mu)
        if encoded.is_relative:
            statistics |= _moments("ratio", encoded.ratio) | {"shift_variance": Vector(encoded.shift_variance)}
        return Result(
            scalars={**type_counts(types), "n": len(encoded.mu), "is_relative": encoded.is_relative},
            vectors={"type": type_vector(types), **statistics},
            arrays={"rows": encoded.rows, **self._histograms(encoded)},
        )

    def _histograms(self, encoded: Encoded) -> dict[str, Tensor]:
        """Return counts ``(latent_dim, n_bins)`` and edges of each representation."""
        shown = {"mean": encoded.mu, "variance": encoded.variance, "sampled": encoded.z}
        if encoded.is_relative:
            shown |= {"ratio": encoded.ratio}
        prior = {"prior_mean": encoded.prior_mu, "prior_variance": encoded.prior_variance}
        shown |= {name: values for name, values in prior.items() if (values != values[0]).any()}
        found: dict[str, Tensor] = {}
        for name, values in shown.items():
            codes, edges = equal_width_bins(values, self.params.n_bins)
            found |= {f"{name}_counts": counts(codes, self.params.n_bins), f"{name}_edges": edges}
        return found

    def plot(self, result: Result) -> Figure:
        """Return a histogram for each latent and representation, coloured by type, active latents first."""
        from vaehub.plugins.polarised.pictures import ridges

        return ridges(result)


def _moments(name: str, values: Tensor) -> dict[str, Vector]:
    """Return mean and variance (``ddof=0``) of each latent over observations."""
    return {
        f"{name}_mean": Vector(values.mean(dim=0)),
        f"{name}_variance": Vector(values.var(dim=0, correction=0)),
    }
