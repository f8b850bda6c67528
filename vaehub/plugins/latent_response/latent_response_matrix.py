"""Which latents act on which."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Result, Table, Vector
from vaehub.plugins.latent_response.kernels import (
    causal_edges,
    marginal_draws,
    merged_variables,
    response_matrix,
    symmetric_pairs,
)
from vaehub.plugins.latent_response.params import ResponseMatrixParams
from vaehub.plugins.latent_response.responses import codes_at_once, responding

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentResponseMatrix(ModelMetric[ResponseMatrixParams]):
    """How far the response of each latent moves when one latent is replaced: Leeb et al. 2021, Section 4.1.

    The paper draws from the aggregate posterior. Its code draws from the prior unless it is given data, of which it
    then takes posterior means, 100 to 128 of them.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return Needs(decoder=True, x_only=True, prior=self.params.source == "prior", observations=2)

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the matrix, the causal latents, and the graph between them."""
        z, v, rows = self._draws(model, data)
        with responding(model, "responses", len(z) * (1 + model.latent_dim)) as respond:
            matrix = response_matrix(respond, z, v, codes_at_once(data.spec))
        is_causal = matrix.diagonal() >= self.params.causal_threshold
        edges = causal_edges(matrix, is_causal, self.params.edge_share, self.params.edge_threshold)
        pairs = symmetric_pairs(matrix, edges, self.params.symmetry)
        variables = merged_variables(pairs, is_causal)
        tables = {}
        if len(edges.cause):
            tables["edges"] = Table(
                {"cause": edges.cause.tolist(), "effect": edges.effect.tolist()},
                {"response": edges.response, "reverse_response": matrix[edges.effect, edges.cause]},
            )
        if len(pairs):
            first, second = pairs.T
            tables["symmetric_pairs"] = Table(
                {"first": first.tolist(), "second": second.tolist()},
                {"forward_response": matrix[first, second], "backward_response": matrix[second, first]},
            )
        return Result(
            scalars={
                "intrinsic_dimension": int(is_causal.sum()),
                "n_edges": len(edges.cause),
                "edge_threshold": edges.threshold,
                "n_symmetric_pairs": len(pairs),
                "n_variables": len(torch.unique(variables[is_causal])),
                "n_samples": len(z),
            },
            vectors={
                "self_response": Vector(matrix.diagonal()),
                "is_causal": Vector(is_causal),
                "variable": Vector(variables),
                "deviation": Vector(z.std(dim=0, correction=0)),
            },
            tables=tables,
            arrays={"matrix": matrix} | ({} if rows is None else {"rows": rows}),
        )

    def _draws(self, model: LatentModel, data: Dataset) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return latents, replacements, and the rows of the observations that latents encode."""
        if self.params.source == "prior":
            asked = self.params.n_samples
            n = self.draw_observations(data).n if asked == "all" else asked
            random = self.generator("prior", device=model.device)
            z, v = (model.prior_sample(n, random).cpu().double() for _ in range(2))
            return z, v, None
        sample = self.draw(model, data)
        z = sample.mu if self.params.use_mean else sample.z
        return z, marginal_draws(z, self.generator("replacements")), sample.rows

    def plot(self, result: Result) -> Figure:
        """Return the matrix, and the graph of causal latents."""
        from vaehub.plugins.latent_response.plots import matrix_and_graph

        return matrix_and_graph(result)
