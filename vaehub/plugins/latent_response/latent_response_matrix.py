"""Which latents act on which."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Result, Table, Vector
from vaehub.plugins.latent_response.kernels import (
    causal_edges,
    marginal_draws,
    merged_variables,
    response_matrix,
    symmetric_pairs,
)
from vaehub.plugins.latent_response.params import ResponseMatrixParams
from vaehub.plugins.latent_response.subject import (
    check_observations,
    check_prior,
    check_responds,
    codes_at_once,
    codes_of,
    responding,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class LatentResponseMatrix(ModelMetric):
    """How far the response of each latent moves when one latent is replaced: Leeb et al. 2021, Section 4.1.

    The paper draws from the aggregate posterior. Its code draws from the prior unless it is given data, of which it
    then takes posterior means, 100 to 128 of them.
    """

    Params = ResponseMatrixParams
    params: ResponseMatrixParams

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse models that cannot respond, and too few observations."""
        check_responds("latent_response_matrix", model, data)
        check_observations("latent_response_matrix", data, self.params.part)
        if self.params.source == "prior":
            check_prior("latent_response_matrix", model)

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
                "n": len(z),
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
        """Return latents, replacements, and the observations that they are of."""
        if self.params.source == "prior":
            random = self.generator("prior", device=model.device)
            z, v = (model.prior_sample(self.params.n_samples, random).cpu().double() for _ in range(2))
            return z, v, None
        part = data.split(self.params.part)
        rows = part.draw_rows(self.params.n_samples, self.generator("rows"))
        posterior = model.encode_all(part.subset(rows)).checked()
        z = codes_of(posterior, self.generator("noise"), use_mean=self.params.use_mean)
        return z, marginal_draws(z, self.generator("replacements")), rows

    def plot(self, result: Result) -> Figure:
        """Return the matrix, and the graph of causal latents."""
        from vaehub.plugins.latent_response.pictures import matrix_and_graph

        return matrix_and_graph(result)
