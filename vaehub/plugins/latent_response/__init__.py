"""Latent responses: what the encoder makes of decoded interventions (Leeb, Bauer & Schölkopf 2021)."""

from collections.abc import Sequence

from vaehub.registry import Entry, Metric, Published, Study, hookimpl

HERE = "vaehub.plugins.latent_response"
PARAMS = f"{HERE}.params"
PAPER = "Leeb et al. 2021"


@hookimpl
def vaehub_catalog() -> Sequence[Entry]:
    """Return what this plugin contributes."""
    return [
        Metric(
            "latent_response_matrix",
            f"{HERE}.latent_response_matrix:LatentResponseMatrix",
            "latent response matrix: effect of an intervention on each latent upon every other, and its causal graph",
            params=f"{PARAMS}:ResponseMatrixParams",
            source=f"{PAPER}, Eq. 5",
            revision=2,
        ),
        Metric(
            "conditioned_response_matrix",
            f"{HERE}.conditioned_response_matrix:ConditionedResponseMatrix",
            "responses of latents to interventions on factors: causal disentanglement and completeness",
            params=f"{PARAMS}:ConditionedMatrixParams",
            source=f"{PAPER}, Eqs. 6, 7 and 13",
            revision=2,
        ),
        Metric(
            "structure_score",
            f"{HERE}.structure_score:StructureScore",
            "discrepancy between the prior and the responses to draws from it, by MMD",
            params=f"{PARAMS}:StructureScoreParams",
            source=f"{PAPER}, Eq. 8",
        ),
        Metric(
            "response_field",
            f"{HERE}.response_field:ResponseField",
            "response field over a plane of two latents, with its divergence and mean curvature",
            params=f"{PARAMS}:ResponseFieldParams",
            source=f"{PAPER}, Eqs. 9 and 12",
        ),
        Metric(
            "latent_path",
            f"{HERE}.latent_path:LatentPath",
            "path between two observations that follows the latent responses, beside straight interpolation",
            params=f"{PARAMS}:LatentPathParams",
            source=f"{PAPER}, Section 5",
            revision=4,
        ),
        Metric(
            "responsibilities",
            f"{HERE}.responsibilities:Responsibilities",
            "which latents encode which factors by several methods side by side, from a query",
            params=f"{PARAMS}:ResponsibilitiesParams",
            source=f"{PAPER}, Figure 6b",
            subject="rows",
        ),
        Study(
            "latent_response",
            f"{HERE}:study.toml",
            "latent structure and causal disentanglement as beta grows (Tables 1 to 3)",
            source=PAPER,
        ),
        Study(
            "helix",
            f"{HERE}:helix.toml",
            "response field and paths of a double helix with two latents (Figures 2 and 3)",
            source=f"{PAPER}, Section 5",
        ),
        Published(
            "latent_response",
            "vaehub.plugins.latent_response:reference_values.csv",
            "Interventional Assays for the Latent Space of Autoencoders",
            source="Leeb, Bauer & Schölkopf 2021",
        ),
    ]
