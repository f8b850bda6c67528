"""Mathematics of latent responses (Leeb, Bauer & Schölkopf 2021), by subject."""

from vaehub.plugins.latent_response.discrepancy import SCALES, mmd2, permuted_mmd2
from vaehub.plugins.latent_response.fields import (
    aggregate_density,
    divergence,
    grid_axes,
    mean_curvature,
    response_field,
    smoothing_variance,
)
from vaehub.plugins.latent_response.matrices import (
    CODES_AT_ONCE,
    Edges,
    Respond,
    causal_completeness,
    causal_disentanglement,
    causal_edges,
    group_response,
    marginal_draws,
    merged_variables,
    response_matrix,
    self_responses,
    symmetric_pairs,
)
from vaehub.plugins.latent_response.rank_correlation import Agreement, rank_agreement
from vaehub.plugins.latent_response.shortest_path import (
    cheapest,
    edge_costs,
    evenly_spaced,
    grid_path,
    length_cost,
    neighbour_edges,
    on_edges,
)

__all__ = [
    "CODES_AT_ONCE",
    "SCALES",
    "Agreement",
    "Edges",
    "Respond",
    "aggregate_density",
    "causal_completeness",
    "causal_disentanglement",
    "causal_edges",
    "cheapest",
    "divergence",
    "edge_costs",
    "evenly_spaced",
    "grid_axes",
    "grid_path",
    "group_response",
    "length_cost",
    "marginal_draws",
    "mean_curvature",
    "merged_variables",
    "mmd2",
    "neighbour_edges",
    "on_edges",
    "permuted_mmd2",
    "rank_agreement",
    "response_field",
    "response_matrix",
    "self_responses",
    "smoothing_variance",
    "symmetric_pairs",
]
