"""Where responses move to over a plane of two latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Posterior, Result
from vaehub.analysis import decode
from vaehub.plugins.latent_response.kernels import (
    aggregate_density,
    divergence,
    grid_axes,
    mean_curvature,
    response_field,
    smoothing_variance,
)
from vaehub.plugins.latent_response.params import ResponseFieldParams
from vaehub.plugins.latent_response.responses import (
    check_grid,
    check_plane,
    codes_at_once,
    needs_of_source,
    posteriors_at,
    responding,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class ResponseField(ModelMetric[ResponseFieldParams]):
    """Arrows from latents to their responses, and the maps made of them: Leeb et al. 2021, Section 4.3, Eqs. 9 and 12.

    Where arrows end, decoder and encoder agree: these are the latents that the data are made of. The released code has
    64 points along each axis, its notebooks 100 or 150, and derivatives for each step instead of each unit.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return needs_of_source(self.params.source)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse latents that the model does not have, and grids without a step."""
        check_grid(self.name, self.params.size, self.params.extent)
        check_plane(self.name, self.params.latents, model.latent_dim)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the field, its maps, the density of codes and decoded points, all over one grid."""
        params, pair = self.params, list(self.params.latents)
        sample, at_once = self.draw(model, data), codes_at_once(data.spec)
        posterior = sample.posterior
        rest = self._rest(model, posterior)
        first, second = grid_axes(params.extent, params.size, params.size)
        # In the model's own precision, or rounding on the way in would be an arrow where there is none.
        with responding(model, "response field", len(rest) * params.size**2) as respond:
            field = response_field(respond, first, second, rest.float(), params.latents, at_once)
        slopes = divergence(field, params.extent, params.unit_spacing)
        curvature = mean_curvature(field, params.extent, params.unit_spacing)
        mu = posterior.mu[:, pair]
        variance = smoothing_variance(mu) if posterior.logvar is None else posterior.logvar[:, pair].exp()
        density = aggregate_density(first, second, mu, variance.clamp_min(self._narrowest()))
        codes = self._shown(rest[0])
        length = field.norm(dim=-1)
        return Result(
            scalars={
                "mean_length": float(length.mean()),
                "length_at_data": float((length * density).sum() / density.sum()),
                "mean_divergence": float(slopes.mean()),
                "divergence_at_data": float((slopes * density).sum() / density.sum()),
                "attracting_rate": float((slopes < 0).double().mean()),
                "n_undefined": int(curvature.isnan().sum()),
                "density_inside": float(density.sum() * (first[1] - first[0]) * (second[1] - second[0])),
                "n_rest": len(rest),
                "n_samples": sample.n,
            },
            arrays={
                "first": first,
                "second": second,
                "field": field,
                "divergence": slopes,
                "mean_curvature": curvature,
                "density": density,
                "rest": rest,
                "decoded": decode(model, codes, at_once=at_once),
            },
        )

    def _narrowest(self) -> float:
        """Return the variance of half a grid step: narrower posteriors would fall between points."""
        low, high, left, right = self.params.extent
        return (0.5 * max(high - low, right - left) / (self.params.size - 1)) ** 2

    def _rest(self, model: LatentModel, posterior: Posterior) -> Tensor:
        """Return the latent vectors that the other latents are taken from; one, where there are no others."""
        is_plane = model.latent_dim == 2
        n = 1 if is_plane or self.params.rest == "sample" else self.params.n_rest
        if self.params.source == "prior":
            return model.prior_sample(n, self.generator("rest", device=model.device)).cpu().double()
        chosen = torch.randint(len(posterior.mu), (n,), generator=self.generator("rest"))
        return posteriors_at(posterior, chosen).sample(self.generator("noise"))

    def _shown(self, base: Tensor) -> Tensor:
        """Return the latents that are decoded, shape ``(n_decoded, n_decoded, latent_dim)``."""
        n, extent, (i, j) = self.params.n_decoded, self.params.extent, self.params.latents
        first, second = grid_axes(extent, n, n)
        codes = base.expand(n, n, -1).clone()
        codes[:, :, i], codes[:, :, j] = first[:, None], second
        return codes

    def plot(self, result: Result) -> Figure:
        """Return the density, the field, its maps and what points decode to."""
        from vaehub.plugins.latent_response.field_plots import field_maps

        return field_maps(result, self.params.latents)
