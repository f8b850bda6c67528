"""Which latents act on which."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch import Tensor

from vaehub import Dataset, LatentModel, ModelMetric, Needs, Posterior, Result, Table, VaehubError, Vector
from vaehub.plugins.latent_response.causal_structure import ROUNDING
from vaehub.plugins.latent_response.kernels import (
    Edges,
    Moments,
    Thresholds,
    causal_edges,
    displaced_latents,
    edge_thresholds,
    marginal_draws,
    merged_pairs,
    redraw_moments,
    response_moments,
    symmetric_pairs,
    two_sided,
    variables_of,
)
from vaehub.plugins.latent_response.params import ResponseMatrixParams
from vaehub.plugins.latent_response.responses import (
    codes_at_once,
    needs_of_source,
    posterior_of_response,
    responding,
    responses_to,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

NULL_ROWS = 256
"""Posteriors that the null is estimated from, a mean square of each latent: as many as its interval is narrow from."""


class Draws(NamedTuple):
    """Latents and what takes their places.

    Attributes:
        z: Latents, shape ``(n, latent_dim)``.
        v: Replacements, same shape.
        redrawn: Two draws from each of some of the posteriors, shape ``(k, latent_dim)`` each, between which the
            observation does not change.
        rows: Observations that latents encode; ``None`` for draws from the prior.
    """

    z: Tensor
    v: Tensor
    redrawn: tuple[Tensor, Tensor]
    rows: Tensor | None


@final
class LatentResponseMatrix(ModelMetric[ResponseMatrixParams]):
    """How far the response of each latent moves when one latent is replaced: Leeb et al. 2021, Section 4.1.

    The paper draws from the aggregate posterior. Its code draws from the prior unless it is given data, of which it
    then takes posterior means, 100 to 128 of them. The paper draws a graph and does not say from where on a response
    is an edge of it.

    An edge threshold given as a number is no wrong request where it turns out to be below the null of some latents: the
    null is a measurement, of this model's noise on these observations, and is known when everything else has been
    computed, which is right whatever the threshold. It is kept with a warning; ``n_below_null`` and ``null_response``
    say where. A share is refused beforehand where it is rounding for every model.
    """

    @property
    def needs(self) -> Needs:
        """What the measurement needs."""
        return needs_of_source(self.params.source)

    def check(self, model: LatentModel, data: Dataset) -> None:
        """Refuse a share of responses that is rounding."""
        if self.params.edge_threshold is None and self.params.edge_share < ROUNDING:
            raise VaehubError(
                f"metric {self.name!r} was given the edge share {self.params.edge_share:g}, below {ROUNDING:g}, up to "
                "which responses are rounding; '-s metric.edge_share=0.1' is usual"
            )

    def measure(self, model: LatentModel, data: Dataset) -> Result:
        """Return the matrix, the causal latents, and the graph between them."""
        draws, at_once = self._draws(model, data), codes_at_once(data.spec)
        n_null = len(draws.redrawn[0])
        with responding(model, "responses", (len(draws.z) + n_null) * (1 + model.latent_dim) + len(draws.z)) as respond:
            moments = response_moments(respond, draws.z, draws.v, at_once)
            redrawn = redraw_moments(respond, *draws.redrawn, at_once)
            plain = responses_to(respond, draws.z, at_once)
        matrix = moments.squares.sqrt()
        reach = 2**0.5 * plain.std(dim=0, correction=0)
        n_pairs = model.latent_dim * (model.latent_dim - 1)
        errors = two_sided(self.params.confidence, n_pairs)
        thresholds = edge_thresholds(
            reach,
            redrawn,
            float(plain.square().mean().sqrt()),
            self.params.edge_share,
            number=self.params.edge_threshold,
            reach_of_error=errors,
        )
        is_causal = matrix.diagonal() >= self.params.causal_threshold
        is_displaced = displaced_latents(matrix, self.params.causal_threshold)
        edges = causal_edges(moments, is_causal | is_displaced, thresholds.edges, errors)
        self._remark(thresholds, is_causal | is_displaced, is_displaced)
        return self._result(moments, edges, thresholds, reach, is_displaced, draws)

    def _result(
        self,
        moments: Moments,
        edges: Edges,
        thresholds: Thresholds,
        reach: Tensor,
        is_displaced: Tensor,
        draws: Draws,
    ) -> Result:
        matrix = moments.squares.sqrt()
        is_causal = matrix.diagonal() >= self.params.causal_threshold
        is_node = is_causal | is_displaced
        pairs = symmetric_pairs(matrix, edges, self.params.symmetry)
        # Two latents whose places are exchanged act on each other alike too, and are two variables.
        merged = merged_pairs(pairs[is_causal[pairs].all(dim=1)], matrix, reach, self.params.pair_share)
        variables = variables_of(merged, is_node)
        return Result(
            scalars={
                "intrinsic_dimension": int(is_causal.sum()),
                "n_displaced": int(is_displaced.sum()),
                "n_edges": len(edges.cause),
                "n_symmetric_pairs": len(pairs),
                "n_variables": len(torch.unique(variables[is_node])),
                "n_below_null": int((thresholds.is_below & is_node).sum()),
                "n_samples": len(draws.z),
            },
            vectors={
                "self_response": Vector(matrix.diagonal()),
                "is_causal": Vector(is_causal),
                "is_displaced": Vector(is_displaced),
                "variable": Vector(variables),
                "deviation": Vector(draws.z.std(dim=0, correction=0)),
                "reach": Vector(reach),
                "null_response": Vector(thresholds.null),
                "edge_threshold": Vector(thresholds.edges),
            },
            tables=_tables(matrix, edges, reach, pairs),
            arrays={"matrix": matrix, "standard_error": _of_root(moments)}
            | ({} if draws.rows is None else {"rows": draws.rows}),
        )

    def _remark(self, thresholds: Thresholds, is_node: Tensor, is_displaced: Tensor) -> None:
        """Say what a reader of the graph must know."""
        if below := _numbers(thresholds.is_below & is_node):
            log.warning(
                "metric %r: the edge threshold %g is below the null of latents %s, so that edges to these may be noise "
                "of the encoder; 'null_response' has it",
                self.name,
                self.params.edge_threshold,
                ", ".join(map(str, below)),
            )
        if displaced := _numbers(is_displaced):
            log.warning(
                "metric %r: latents %s have no response of their own, but act on others or respond to them, as where "
                "the decoder has them in other places than the encoder",
                self.name,
                ", ".join(map(str, displaced)),
            )

    def _draws(self, model: LatentModel, data: Dataset) -> Draws:
        """Return latents, replacements, and draws between which observations do not change."""
        again = [self.generator("null", at) for at in (0, 1)]
        if self.params.source == "prior":
            asked = self.params.n_samples
            n = self.draw_observations(data).n if asked == "all" else asked
            random = self.generator("prior", device=model.device)
            z, v = (model.prior_sample(n, random).cpu().double() for _ in range(2))
            seen = posterior_of_response(model, z, codes_at_once(data.spec))
            return Draws(z, v, _twice(seen, again), None)
        sample = self.draw(model, data)
        z = sample.mu if self.params.use_mean else sample.z
        return Draws(z, marginal_draws(z, self.generator("replacements")), _twice(sample.posterior, again), sample.rows)

    def plot(self, result: Result) -> Figure:
        """Return the matrix, and the graph of causal latents."""
        from vaehub.plugins.latent_response.plots import matrix_and_graph

        return matrix_and_graph(result)


def _twice(posterior: Posterior, again: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    first, second = (posterior.sample(each)[:NULL_ROWS] for each in again)
    return first, second


def _numbers(which: Tensor) -> list[int]:
    return which.nonzero()[:, 0].tolist()


def _of_root(moments: Moments) -> Tensor:
    """Return standard errors of the roots; 0 where nothing moves."""
    root = moments.squares.sqrt()
    return torch.where(root > 0, moments.errors / (2 * root), 0.0)


def _tables(matrix: Tensor, edges: Edges, reach: Tensor, pairs: Tensor) -> dict[str, Table]:
    tables = {}
    if len(edges.cause):
        tables["edges"] = Table(
            {"cause": edges.cause.tolist(), "effect": edges.effect.tolist()},
            {
                "response": edges.response,
                "response_low": edges.low,
                "share": edges.response / reach[edges.effect],
                "reverse_response": matrix[edges.effect, edges.cause],
            },
        )
    if len(pairs):
        first, second = pairs.T
        tables["symmetric_pairs"] = Table(
            {"first": first.tolist(), "second": second.tolist()},
            {"forward_response": matrix[first, second], "backward_response": matrix[second, first]},
        )
    return tables
