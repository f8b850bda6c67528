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
            "how far each latent's response moves when one latent is replaced, and the causal graph of it",
            params=f"{PARAMS}:ResponseMatrixParams",
            source=f"{PAPER}, Eq. 5",
        ),
        Metric(
            "conditioned_response_matrix",
            f"{HERE}.conditioned_response_matrix:ConditionedResponseMatrix",
            "which latents respond to which factor, with causal disentanglement and completeness scores",
            params=f"{PARAMS}:ConditionedMatrixParams",
            source=f"{PAPER}, Eqs. 6, 7 and 13",
        ),
        Metric(
            "structure_score",
            f"{HERE}.structure_score:StructureScore",
            "how far responses to draws from the prior are from the prior, by maximum mean discrepancy",
            params=f"{PARAMS}:StructureScoreParams",
            source=f"{PAPER}, Eq. 8",
        ),
        Metric(
            "response_field",
            f"{HERE}.response_field:ResponseField",
            "where responses move to over a plane of two latents, with divergence and mean curvature",
            params=f"{PARAMS}:ResponseFieldParams",
            source=f"{PAPER}, Eqs. 9 and 12",
        ),
        Metric(
            "latent_path",
            f"{HERE}.latent_path:LatentPath",
            "path between two observations along which responses move least, beside the straight line",
            params=f"{PARAMS}:LatentPathParams",
            source=f"{PAPER}, Section 5",
        ),
        Metric(
            "responsibilities",
            f"{HERE}.responsibilities:Responsibilities",
            "which latents answer for which factors, by several methods side by side, over the rows of a query",
            params=f"{PARAMS}:ResponsibilitiesParams",
            source=f"{PAPER}, Figure 6b",
            subject="rows",
        ),
        Study(
            "latent_response",
            f"{HERE}:study.toml",
            "structure and causal disentanglement as beta grows: Tables 1 to 3",
            source=PAPER,
        ),
        Study(
            "helix",
            f"{HERE}:helix.toml",
            "response field and paths of a double helix in two latents: Figures 2 and 3",
            source=f"{PAPER}, Section 5",
        ),
        Published(
            "latent_response",
            "vaehub.plugins.latent_response:reference_values.csv",
            "Interventional Assays for the Latent Space of Autoencoders",
            source="Leeb, Bauer & Schölkopf 2021",
        ),
    ]
